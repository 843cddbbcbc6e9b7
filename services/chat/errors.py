"""Error responses in OpenAI's shape."""

from typing import Any


class ChatError(Exception):
    """An HTTP status, one line for the user, and the request's field that is wrong, if one is."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code

    @property
    def body(self) -> dict[str, Any]:
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        error = {"message": str(self), "type": kind, "param": self.param, "code": self.code}
        return {"error": error}


def bad_field(param: str, message: str, code: str | None = None) -> ChatError:
    return ChatError(400, message, param=param, code=code)
