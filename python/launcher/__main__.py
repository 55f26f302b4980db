"""Started by the launcher, see orrery_forker/forker.py."""

from orrery_forker.forker import serve

serve()
