-- What a user did after looking at a listing, in the three ways known so far. A new one is no fault, but somebody should know.
--
-- severity:   warn
-- touched:    user_viewing
-- reads:      apartments_curated.user_viewing
-- parameters: none

-- name: violations
select call_to_action || ' in ' || cast(count(*) as varchar(64)) || ' viewings' as example
from apartments_curated.user_viewing
where call_to_action not in ('contact_agent', 'reported', 'shortlisted')
group by call_to_action
