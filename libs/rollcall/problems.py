"""Errors over HTTP as problem documents (RFC 9457, application/problem+json)."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from rollcall.database.failures import DATABASE_ERRORS
from rollcall.errors import DeadLetterError


def problem(status: int, detail: str, **members: object) -> JSONResponse:
    """A problem document; `members` add what a program would want to read."""
    return JSONResponse(
        {"status": status, "title": HTTPStatus(status).phrase, "detail": detail, **members},
        status_code=status,
        media_type="application/problem+json",
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


def add_problem_handlers(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    for unavailable in DATABASE_ERRORS:
        app.add_exception_handler(unavailable, _unavailable)
    app.add_exception_handler(DeadLetterError, _contradicts)
    app.add_exception_handler(Exception, _failed)
