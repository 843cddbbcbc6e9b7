"""A chat server with OpenAI's HTTP API, on 127.0.0.1 only, for anything that gives answers.

The unmodified `openai` client, `curl` and evaluation harnesses use it by its address,
http://127.0.0.1:8200/v1, with any API key. `srt serve model` starts it with a model that answers
with its refinement.

    GET  /v1/models, /v1/models/NAME
    POST /v1/chat/completions   system prompts, history, n, max_tokens, stop, seed, temperature,
                                top_p, stream, stream_options.include_usage

What `srt` adds to a choice is in its `srt`, also in that of the last event of a stream. Usage
counts all calls of the model.

Errors have OpenAI's shape: 400 names the field in `param`, 404 is for another model, 413 for a body
of more than 8 MiB, 429 for more than 1,024 answers in progress. A field that would change the
answer and that is not supported (tools, logprobs, response_format, penalties) is refused; others
are ignored. A client that hangs up ends the work for it.

Nothing is stored: a server that was killed is started again.

Where things are: `answerer` is what the server asks, `app` maps URLs to handlers, `fields` reads a
request, `shapes` writes a reply, `work` runs the choices of a request, `guard` keeps other
machines' pages out, `server` listens.
"""
