"""Whatever is asked, well or badly, is answered as the description of the API says, and never by a fault of ours."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import checks

from tests.console.web.client import Client
from tests.console.web.test_document import FILE

pytestmark = pytest.mark.system

THERE = {"device": "street-noise", "field": "sound_level", "code": "laeq", "window": "hour"}
"""Parts of paths that exist: else nearly every request would end at the first of them."""
WANTED = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
]


schema = schemathesis.openapi.from_path(FILE).exclude(path="/api/v1/live")  # its answer has no end; see test_live


@schema.parametrize()
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_request_is_answered_as_described(case: Any, get: Client) -> None:
    case.call_and_validate(base_url=get.url, checks=WANTED)
    there = {name: value for name, value in THERE.items() if name in (case.path_parameters or {})}
    if there:
        case.path_parameters = {**case.path_parameters, **there}
        case.call_and_validate(
            base_url=get.url, checks=[one for one in WANTED if one is not checks.negative_data_rejection]
        )
