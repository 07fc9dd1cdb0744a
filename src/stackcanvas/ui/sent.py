"""What a form was sent with."""

from __future__ import annotations

from urllib.parse import parse_qsl

from stackcanvas.errors import BadInput

Fields = dict[str, tuple[str, ...]]

_MOST_FIELDS = 5000


def fields_of(body: bytes) -> Fields:
    """The values of each field.

    Raises:
        BadInput: these are no fields.

    Example:
        >>> fields_of(b"a=1&b=&a=2")
        {'a': ('1', '2'), 'b': ('',)}
    """
    values: Fields = {}
    try:
        for name, value in parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MOST_FIELDS):
            values[name] = (*values.get(name, ()), value)
    except ValueError:
        raise BadInput("the form cannot be read", expected="fields in UTF-8, as a browser sends them") from None
    return values
