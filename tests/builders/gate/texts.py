"""Texts with keys and personal data in them, put together here so that no scanner stumbles."""

BODY = "a8Kd03Lm2QwPz7XvB5nT9rYc4GhJ6sEf1UiO"

SECRETS = {
    "aws": "AKIA" + "Q3EGRT7WPL2ZKX5N",
    "aws secret": "aws_secret_access_key = '" + f"{BODY}/Wk+" + "'",
    "github": "ghp_" + BODY,
    "github fine-grained": "github_pat_" + BODY + "_" + BODY,
    "gitlab": "glpat-" + BODY[:20],
    "google": "AIza" + BODY[:35],
    "hugging face": "hf_" + BODY[:34],
    "jwt": "eyJhbGciOiJIUzI1NiJ9"
    + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0"
    + ".dBjftJeZ4CVPmB92K27uhbUJU1p1r",
    "npm": "npm_" + BODY,
    "openai": "sk-" + BODY + BODY[:12],
    "openai project": "sk-proj-" + BODY + "_" + BODY,
    "private key": (
        "-----BEGIN RSA " + f"PRIVATE KEY-----\n{BODY}{BODY}\n{BODY}\n-----END RSA PRIVATE KEY-----"
    ),
    "private key without its end": "-----BEGIN " + f"PRIVATE KEY-----\n{BODY}{BODY}",
    "slack": "xoxb-" + "123456789012-123456789012-" + BODY[:24].lower(),
    "stripe": "sk_live_" + BODY[:24],
}

PERSONAL = {
    "EMAIL": ["ada.lovelace@analytical.org", "jörg@müller-söhne.de", "a+b@mail.co.uk"],
    "PHONE": ["+44 20 7183 8750", "(512) 463-2000", "512-463-2000", "+1 512 463 2000"],
    "IP": ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"],
    "IBAN": ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432"],
    "CARD": ["4111 1111 1111 1111", "5555555555554444", "3782-822463-10005"],
    "SSN": ["536-90-4399"],
}

NOBODYS = [
    "ada@example.com",
    "ada@mail.example.org",
    "ada@service.test",
    "root@localhost",
    "git@github.com:org/repo.git",
    "192.0.2.17",
    "198.51.100.2 and 203.0.113.9",
    "2001:db8::1",
    "10.0.0.1, 192.168.1.20, 172.16.5.4, 127.0.0.1, ::1",
    "version 93.184.216.34",
    "section 1.2.3.4",
    "(512) 555-0142",
    "+1-512-555-0199",
    "call 555-1234",
    "1-800-463-3339",
    "y = x@w.dot(v)",
    "3.14159265358979 and 0.650900900900901",
    "in 1939-1945, on 2026-11-21 at 10:30:00",
    "4111 1111 1111 1112",
    "DE89 3704 0044 0532 0130 01",
    "000-12-3456",
]

EXAMPLES = [
    "AKIA" + "IOSFODNN7EXAMPLE",
    "sk-" + "x" * 48,
    "hf_" + "x" * 34,
    "export OPENAI_API_KEY=sk-your-key-here-please-and-thanks",
    "the sk-learn-compatible-estimators-interface of scikit-learn",
    "3f786850e387550fdab836ed7e6dc881de23001b",
    "https://huggingface.co/datasets/someone/some-very-long-dataset-name-2026",
]
