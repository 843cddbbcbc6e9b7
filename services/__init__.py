"""Local stand-ins for remote services: a Hub, an Argilla server, and a small pretrained model.

The servers speak the real protocols and listen on this machine only, as does that of `srt view`.
"""
