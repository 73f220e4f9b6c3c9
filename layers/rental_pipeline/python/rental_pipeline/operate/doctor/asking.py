"""AWS's errors as the pipeline's, for what only looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from rental_pipeline.base.errors import FixConfiguration, PipelineError, RetryLater

_NOT_THERE = ("StateMachineDoesNotExist", "ResourceNotFoundException", "NotFound", "NotFoundException")
_DENIED = ("AccessDeniedException", "AuthorizationError", "AccessDenied")


@contextmanager
def asking(what: str, permission: str) -> Iterator[None]:
    """Turn AWS's errors into the pipeline's, with what was asked for and the way out.

    Raises:
        FixConfiguration: it is not there, or this function's role may not look.
        RetryLater: AWS did not answer.
    """
    try:
        yield
    except ClientError as error:
        raise _explain(error.response["Error"]["Code"], what, permission) from error
    except BotoCoreError as error:
        raise RetryLater(f"{permission} did not reach AWS ({error})") from error


def _explain(code: str, what: str, permission: str) -> PipelineError:
    if code in _NOT_THERE:
        return FixConfiguration(
            f"{what} does not exist: deploy the stack again (`sam deploy` puts back what was deleted by hand)"
        )
    if code in _DENIED:
        return FixConfiguration(f"{permission} on {what} is denied: keep the function's role as template.yaml has it")
    return RetryLater(f"{permission} on {what} failed ({code}): look again")
