"""What a chart's values are: periods, texts, money, shares, counts. The report formats them (operate/report/values.py)."""

from __future__ import annotations

DAY, WEEK, MONTH, TEXT = "day", "week", "month", "text"
PERIODS = (DAY, WEEK, MONTH)
MONEY, PERCENT, AMOUNT = "money", "percent", "amount"  # in the reporting currency; a share of one; of anything
# How many decimals a number has, and what is written after it.
NUMBERS = {"count": (0, ""), "number": (2, ""), PERCENT: (1, "%"), "nights": (1, " nights"), "hours": (1, " hours")}
UNITS = (*PERIODS, TEXT, MONEY, AMOUNT, *NUMBERS)
