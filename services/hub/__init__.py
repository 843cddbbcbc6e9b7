"""The embedded Hub: the part of the Hugging Face Hub's HTTP surface that its clients use.

Datasets and models with commits, large files, branches, tags and history, on this machine only. The
unmodified `huggingface_hub`, `datasets` and `transformers` work against it once `HF_ENDPOINT` is
its address and `HF_HUB_DISABLE_XET=1`: with Xet on, the client has no way back to LFS.
"""
