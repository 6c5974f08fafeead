#!py
"""A reactor: what CI posts to /hook/pushguide/build becomes pushguide.announce.

In the master's configuration:

    reactor:
      - salt/netapi/hook/pushguide/build:
        - salt://orch/announce.sls

It is Python and no template: nothing that is posted is ever rendered.
"""

SAID = ("module", "version", "sha256", "author", "commit", "notes", "built")


def run():
    """Hand over what is known; the rest goes along by name alone, to be refused."""
    posted = data.get("post")
    if not isinstance(posted, dict):
        posted = {}
    said = {key: posted[key] for key in SAID if key in posted}
    others = [str(key)[:64] for key in posted if key not in SAID]
    said.update({"post:" + key: None for key in others[:10]})
    return {"announce": {"runner.pushguide.announce": [{"args": said or {"module": None}}]}}
