"""The embedded Hub: the part of the Hugging Face Hub's HTTP surface that its clients use.

Datasets and models with commits, large files, branches, tags, history and collections, kept in one
folder and served on 127.0.0.1 only. The unmodified `huggingface_hub`, `datasets` and
`transformers` publish to it and load from it in a process whose environment says

    HF_ENDPOINT=http://127.0.0.1:8100 HF_HUB_DISABLE_XET=1

before any of them is imported. `srt serve hub` starts it; `services.hub.launch.running_hub` does so
for the duration of a block.

What it keeps, below its folder:

    {datasets,models}/NAMESPACE/NAME/repo.git        a bare git repository, readable by git itself
    {datasets,models}/NAMESPACE/NAME/settings.json   private, gated, when it was created
    lfs/12/34/1234...                                large files, by their SHA-256
    collections/NAMESPACE/SLUG.json
    upload.key                                       signs the addresses that uploads go to
    scratch/                                         what is being made; emptied at the start

What it promises: a commit, a tag or a repository is there whole or not at all, on the disk before
the client is told, whenever the process is killed; nothing has to be repaired, only started again.
Of several commits on one parent one wins and the others are told (412). A file of any size passes
through without being held in memory. One process serves a folder at a time.

Limits: 10 MiB for a file that goes into git itself, 100,000 operations in a commit, 16 MiB for any
other JSON. Large files stay when their repository is deleted, since others may hold them too.

What it is not: a git or LFS remote (files are read through `resolve`), a Xet store, a place for
pull requests, discussions, Spaces or users; it knows two tokens, one that writes and one that
reads, or none. With Xet on, the clients have no way back to LFS, and upload fails with an error
whose address ends in HF_HUB_DISABLE_XET=1.

Where to read on: `app` has the addresses; `api_*`, `files` and `pages` answer them; `operations`
and `names` check what comes in; `catalog`, `reading`, `writing`, `staging` and `objects` keep it.
"""
