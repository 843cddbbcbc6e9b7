"""The full-text index, kept up to date by SQLite triggers.

`srt_text` has the text of each field of each record, `srt_text_index` is the FTS5 index over it.
The triggers run in the transaction that writes a record, so index and records cannot diverge, even
after a kill. Images are not indexed; of a chat, only the contents of the messages are.
"""

import sqlite3

_TEXTS = """
    INSERT INTO srt_text (record_id, field, body)
    SELECT {record}.id, entry.key, CASE entry.type
        WHEN 'text' THEN entry.value
        ELSE (SELECT group_concat(leaf.atom, char(10)) FROM json_tree(entry.value) AS leaf
              WHERE leaf.type = 'text' AND (field.kind <> 'chat' OR leaf.key = 'content')) END
    FROM json_each({record}.fields) AS entry
    JOIN (SELECT name, dataset_id, json_extract(settings, '$.type') AS kind FROM fields) AS field
      ON field.dataset_id = {record}.dataset_id AND field.name = entry.key
    WHERE field.kind <> 'image' AND entry.type IN ('text', 'array', 'object')
"""

_SCHEMA = f"""
CREATE TABLE srt_text (
    id INTEGER PRIMARY KEY,
    record_id CHAR(32) NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    field TEXT NOT NULL,
    body TEXT
);
CREATE INDEX srt_text_record ON srt_text (record_id, field);
CREATE VIRTUAL TABLE srt_text_index USING fts5 (
    body, content = 'srt_text', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 0'
);
CREATE TRIGGER srt_text_added AFTER INSERT ON srt_text BEGIN
    INSERT INTO srt_text_index (rowid, body) VALUES (NEW.id, NEW.body);
END;
CREATE TRIGGER srt_text_removed AFTER DELETE ON srt_text BEGIN
    INSERT INTO srt_text_index (srt_text_index, rowid, body) VALUES ('delete', OLD.id, OLD.body);
END;
CREATE TRIGGER srt_record_added AFTER INSERT ON records BEGIN
    {_TEXTS.format(record="NEW")};
END;
CREATE TRIGGER srt_record_changed AFTER UPDATE OF fields ON records
WHEN OLD.fields IS NOT NEW.fields BEGIN
    DELETE FROM srt_text WHERE record_id = NEW.id;
    {_TEXTS.format(record="NEW")};
END;
"""

# Argilla pages through a dataset in this order; without an index it sorts all of it for each page.
_ORDER_INDEX = """
CREATE INDEX IF NOT EXISTS srt_records_in_order ON records (dataset_id, inserted_at)
"""
_HAS_INDEX = "SELECT 1 FROM sqlite_master WHERE name = 'srt_record_changed'"


def create_text_index(database: str) -> None:
    """Create the indexes that Argilla's database does not have; idempotent."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        # So that readers and the writer do not block each other; the file remembers the mode.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(_ORDER_INDEX)
        if connection.execute(_HAS_INDEX).fetchone():
            return
        backfill = _TEXTS.format(record="records").replace(
            "FROM json_each(records.fields)", "FROM records, json_each(records.fields)"
        )
        connection.executescript(f"BEGIN IMMEDIATE;\n{_SCHEMA}\n{backfill};\nCOMMIT;")
    finally:
        connection.close()
