"""Drives the gateway with the official Python SDKs; only base URL and key are changed. Fails at the first difference.

Usage: clients.py ADDRESS KEY. Prints one JSON line for each check: its name, and the request id of its call, if any.
"""

import base64
import json
import sys
from typing import Callable

import anthropic
import openai
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

ADDRESS, KEY = sys.argv[1:]
MODELS = ["gpt-4o-mini", "claude-haiku-4-5", "gemini-2.5-flash"]
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

by_openai = openai.OpenAI(base_url=f"{ADDRESS}/v1", api_key=KEY)
by_anthropic = anthropic.Anthropic(base_url=ADDRESS, api_key=KEY)
by_google = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=ADDRESS))


class Person(BaseModel):
    name: str
    age: int


def report(name: str, **facts: object) -> None:
    print(json.dumps({"name": name, **facts}), flush=True)


def same(given: object, expected: object) -> None:
    if given != expected:
        raise AssertionError(f"{given!r} is not {expected!r}")


def raises(kind: type, call: Callable[[], object]) -> Exception:
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"nothing raised {kind.__name__}")


def prompt(content: object) -> list[dict]:
    return [{"role": "user", "content": content}]


PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Paris"]}},
    "required": ["city"],
    "additionalProperties": False,
}


def openai_chat(model: str) -> None:
    chat = by_openai.chat.completions
    raw = chat.with_raw_response.create(model=model, messages=prompt("Good morning"))
    reply = raw.parse()
    same(reply.choices[0].message.content, "You wrote: Good morning")
    report(
        "chat",
        request_id=raw.headers["x-request-id"],
        tokens=[reply.usage.prompt_tokens, reply.usage.completion_tokens],
    )
    with chat.stream(model=model, messages=prompt("Größe ✓ of things")) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        same("".join(pieces), "You wrote: Größe ✓ of things")
        same(stream.get_final_completion().choices[0].message.content, "".join(pieces))
    url = f"data:image/png;base64,{PNG}"
    parts = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": url}}]
    seen = chat.create(model=model, messages=prompt(parts))
    same(seen.choices[0].message.content, "You wrote: Look (images: 1)")


def openai_tools(model: str) -> None:
    function = {"name": "get_weather", "parameters": PARAMETERS, "strict": True}
    tools = [{"type": "function", "function": function}]
    messages = prompt("Use get_weather")
    chat = by_openai.chat.completions
    whole = chat.create(model=model, messages=messages, tools=tools).choices[0].message
    with chat.stream(model=model, messages=messages, tools=tools) as stream:
        streamed = stream.get_final_completion().choices[0].message
    for message in (whole, streamed):
        [call] = message.tool_calls
        same(json.loads(call.function.arguments), {"city": "Paris"})
        result = {"role": "tool", "tool_call_id": call.id, "content": "Rain."}
        last = chat.create(model=model, messages=[*messages, message, result], tools=tools)
        same(last.choices[0].message.content, "The tool said: Rain.")


def openai_parse(model: str) -> None:
    reply = by_openai.chat.completions.parse(model=model, messages=prompt("Who?"), response_format=Person)
    same(type(reply.choices[0].message.parsed), Person)
    parsed = by_openai.responses.parse(model=model, input="Who?", text_format=Person)
    same(parsed.output_parsed, reply.choices[0].message.parsed)


def openai_responses(model: str) -> None:
    whole = by_openai.responses.create(model=model, input="Good morning")
    same(whole.output_text, "You wrote: Good morning")
    with by_openai.responses.stream(model=model, input="Good morning") as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        same("".join(pieces), whole.output_text)
        same(stream.get_final_response().usage.output_tokens, whole.usage.output_tokens)


def openai_errors(model: str) -> None:
    impatient = by_openai.with_options(max_retries=0).chat.completions
    for status, kind in (
        (400, openai.BadRequestError),
        (404, openai.NotFoundError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ):
        error = raises(kind, lambda: impatient.create(model=model, messages=prompt(f"[[sandbox: status={status}]]")))
        report("error", request_id=error.request_id, status=error.status_code)
    breaking = prompt("[[sandbox: error_after=4, tokens=20, token_interval_ms=5]]")
    pieces: list[object] = []
    stream = impatient.create(model=model, messages=breaking, stream=True)
    raises(openai.APIError, lambda: pieces.extend(piece for piece in stream))
    stranger = by_openai.with_options(api_key="sk_nobody").chat.completions
    raises(openai.AuthenticationError, lambda: stranger.create(model=model, messages=prompt("Hi")))


def anthropic_messages(model: str) -> None:
    options = {"model": model, "max_tokens": 1024}
    messages = by_anthropic.messages
    raw = messages.with_raw_response.create(**options, messages=prompt("Good morning"))
    reply = raw.parse()
    same(reply.content[0].text, "You wrote: Good morning")
    report(
        "messages",
        request_id=raw.headers["request-id"],
        tokens=[reply.usage.input_tokens, reply.usage.output_tokens],
    )
    with messages.stream(**options, messages=prompt("Größe ✓ of things")) as stream:
        same("".join(stream.text_stream), "You wrote: Größe ✓ of things")
        final = stream.get_final_message()
    again = messages.create(**options, messages=prompt("Größe ✓ of things"))
    same(
        (final.usage.input_tokens, final.usage.output_tokens),
        (again.usage.input_tokens, again.usage.output_tokens),
    )
    counted = messages.count_tokens(model=model, messages=prompt("How many tokens are these?"))
    same(5 < counted.input_tokens < 20, True)
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    seen = messages.create(
        **options, messages=prompt([{"type": "text", "text": "Look"}, {"type": "image", "source": source}])
    )
    same(seen.content[0].text, "You wrote: Look (images: 1)")


@anthropic.beta_tool
def get_weather(city: str) -> str:
    """Returns the weather of a city."""
    return f"Rain in {city}."


def anthropic_tools(model: str) -> None:
    runner = by_anthropic.beta.messages.tool_runner(
        model=model, max_tokens=1024, tools=[get_weather], messages=prompt("Use get_weather")
    )
    turns = list(runner)
    same([turn.stop_reason for turn in turns], ["tool_use", "end_turn"])
    same(turns[-1].content[0].text.startswith("The tool said: Rain in "), True)


def anthropic_parse(model: str) -> None:
    reply = by_anthropic.messages.parse(
        model=model, max_tokens=1024, messages=prompt("Who?"), output_format=Person
    )
    same(type(reply.parsed_output), Person)


def anthropic_errors(model: str) -> None:
    impatient = by_anthropic.with_options(max_retries=0).messages
    for status, kind in (
        (400, anthropic.BadRequestError),
        (404, anthropic.NotFoundError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
    ):
        content = f"[[sandbox: status={status}]]"
        error = raises(kind, lambda: impatient.create(model=model, max_tokens=9, messages=prompt(content)))
        report("error", request_id=error.request_id, status=error.status_code)


def google_content(model: str) -> None:
    models = by_google.models
    reply = models.generate_content(model=model, contents="Good morning")
    same(reply.text, "You wrote: Good morning")
    usage = reply.usage_metadata
    report(
        "content",
        request_id=reply.sdk_http_response.headers["x-request-id"],
        tokens=[usage.prompt_token_count, usage.candidates_token_count],
    )
    pieces = list(models.generate_content_stream(model=model, contents="Größe ✓ of things"))
    same("".join(piece.text or "" for piece in pieces), "You wrote: Größe ✓ of things")
    image = types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png")
    same(models.generate_content(model=model, contents=["Look", image]).text, "You wrote: Look (images: 1)")
    same(models.count_tokens(model=model, contents="How many are these?").total_tokens > 3, True)
    same(models.get(model=model).name, f"models/{model}")
    same(f"models/{model}" in [each.name for each in models.list()], True)


def weather_of(city: str) -> dict:
    """Returns the weather of a city."""
    return {"output": f"Rain in {city}."}


def google_tools(model: str) -> None:
    config = types.GenerateContentConfig(tools=[weather_of])
    reply = by_google.models.generate_content(model=model, contents="Use weather_of", config=config)
    same(reply.text.startswith("The tool said: "), True)
    same("Rain in" in reply.text, True)


def google_parse(model: str) -> None:
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Person)
    reply = by_google.models.generate_content(model=model, contents="Who?", config=config)
    same(type(reply.parsed), Person)


def google_errors(model: str) -> None:
    for status in (400, 404):
        error = raises(
            errors.ClientError,
            lambda: by_google.models.generate_content(model=model, contents=f"[[sandbox: status={status}]]"),
        )
        same(error.code, status)


def embeddings() -> None:
    for model in ("text-embedding-3-small", "gemini-embedding-001"):
        made = by_openai.embeddings.create(model=model, input=["one", "two"])
        same(len(made.data), 2)
        same(len(made.data[0].embedding) > 100, True)
        contents = by_google.models.embed_content(model=model, contents=["one", "two"])
        same(len(contents.embeddings), 2)


CHECKS = [
    openai_chat,
    openai_tools,
    openai_parse,
    openai_responses,
    openai_errors,
    anthropic_messages,
    anthropic_tools,
    anthropic_parse,
    anthropic_errors,
    google_content,
    google_tools,
    google_parse,
    google_errors,
]

for check in CHECKS:
    for name in MODELS:
        check(name)
        report("done", check=check.__name__, model=name)
embeddings()
report("done", check="embeddings", model=None)
