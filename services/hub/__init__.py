"""The embedded Hub: the part of the Hugging Face Hub's HTTP API that its clients use.

Datasets and models with commits, large files, branches, tags, history and collections, stored in
one folder and served on 127.0.0.1 only. The unmodified `huggingface_hub`, `datasets` and
`transformers` publish to it and load from it in a process whose environment has

    HF_ENDPOINT=http://127.0.0.1:8100 HF_HUB_DISABLE_XET=1

set before any of them is imported. `srt serve hub` starts it; `tests.running_hub.running_hub` runs
it for the duration of a `with` block.

Files in its folder:

    {datasets,models}/NAMESPACE/NAME/repo.git        a bare git repository, readable by git itself
    {datasets,models}/NAMESPACE/NAME/settings.json   private, gated, time of creation
    lfs/12/34/1234...                                large files, by their SHA-256
    collections/NAMESPACE/SLUG.json
    upload.key                                       signs upload URLs
    scratch/                                         unfinished writes; emptied at startup

Guarantees: a commit, a tag or a repository is visible completely or not at all, and is on disk
before the client gets its response, no matter when the process is killed. After a crash nothing
needs repair; just start it again. If several commits have the same parent, one wins and the others
get a 412. Files of any size are streamed. One process serves a folder at a time.

Limits: 10 MiB for a file that goes into git itself, 100,000 operations in a commit, 16 MiB for any
other JSON, 1,000 files in a question about uploads, 1,000 patterns in `.gitattributes` or
`.gitignore`, and for a card's front matter 500,000 characters, without aliases. What takes much
computing is done one at a time, off the event loop; a card that takes long to render is shown as it
is. Clients who take no byte for two minutes are cut off. Large files stay when their repository is
deleted, since other repositories may use them too.

Not supported: being a git or LFS remote (files are read through `resolve`), Xet storage, pull
requests, discussions, Spaces and user accounts. There are two tokens, one for writing and one for
reading, or none. Clients with Xet enabled do not fall back to LFS: their uploads fail with an error
whose URL ends in HF_HUB_DISABLE_XET=1.

Where things are: `http.app` maps URLs to handlers, which are in `http.api_*`, `http.files`,
`http.pages` and `http.preview`, which shows a dataset's rows with what whoever starts the server
brings along; `http.markdown` and `http.mermaid` make HTML of cards; `names`, `fields` and
`storage.operations` validate input; `access` checks tokens; `storage.catalog`, `reading`,
`writing`, `staging`, `objects` and `collection_store` hold the data.
"""
