"""Errors over HTTP as problem documents (RFC 9457, application/problem+json)."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from rollcall.database.failures import DATABASE_ERRORS
from rollcall.errors import OperatorBusyError, OperatorError, OutcomeUnknownError

_MEDIA_TYPE = "application/problem+json"
_FIRST_ERROR = 400
_TOO_LARGE = {"description": "The body is too large"}
_TOO_MANY_HEADERS = {"description": "There are too many headers"}
_AWAY = {"description": "The database does not answer; try again"}
_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457); more members than these tell programs more.",
    "required": ["status", "title", "detail"],
    "properties": {
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string"},
    },
}


def problem(status: int, detail: str, **members: object) -> JSONResponse:
    """A problem document; `members` add what a program would want to read."""
    return JSONResponse(
        {"status": status, "title": HTTPStatus(status).phrase, "detail": detail, **members},
        status_code=status,
        media_type=_MEDIA_TYPE,
    )


def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"where": ".".join(map(str, item["loc"])), "what": item["msg"]} for item in error.errors()
    ]
    return problem(422, "The request is malformed; 'errors' says where.", errors=errors)


def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    response = problem(error.status_code, error.detail)
    response.headers.update(error.headers or {})
    return response


def _unavailable(_: Request, error: Exception) -> JSONResponse:
    response = problem(503, "The database does not answer; try again.")
    response.headers["Retry-After"] = "1"
    return response


def _failed(_: Request, error: Exception) -> JSONResponse:
    return problem(500, "The service failed to answer; its log says why.")


def _contradicts(_: Request, error: Exception) -> JSONResponse:
    return problem(422, str(error))


def document_problems(app: FastAPI) -> None:
    """Let the OpenAPI document of `app` say that errors are problem documents."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas["Problem"] = _PROBLEM
        for path, operations in document["paths"].items():
            for operation in operations.values():
                if path.startswith("/v1/"):
                    operation["responses"].setdefault("503", dict(_AWAY))
                    operation["responses"].setdefault("431", dict(_TOO_MANY_HEADERS))
                if "requestBody" in operation:
                    operation["responses"].setdefault("413", dict(_TOO_LARGE))
                _describe_errors(operation["responses"])
        return document

    app.openapi = described  # type: ignore[method-assign]


def _describe_errors(responses: dict[str, Any]) -> None:
    """Those that are said to be FastAPI's own, or said nothing of."""
    for status, response in responses.items():
        content = response.get("content", {})
        if int(status) >= _FIRST_ERROR and ("HTTPValidationError" in str(content) or not content):
            reference = {"$ref": "#/components/schemas/Problem"}
            response["content"] = {_MEDIA_TYPE: {"schema": reference}}


def _busy(_: Request, error: Exception) -> JSONResponse:
    response = problem(503, str(error))
    response.headers["Retry-After"] = "1"
    return response


def _unknown(_: Request, error: Exception) -> JSONResponse:
    """Without Retry-After: a program must not give an order again that may have been carried out."""
    return problem(503, str(error))


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""
    document_problems(app)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    for unavailable in DATABASE_ERRORS:
        app.add_exception_handler(unavailable, _unavailable)
    app.add_exception_handler(OperatorError, _contradicts)
    app.add_exception_handler(OperatorBusyError, _busy)
    app.add_exception_handler(OutcomeUnknownError, _unknown)
    app.add_exception_handler(Exception, _failed)
