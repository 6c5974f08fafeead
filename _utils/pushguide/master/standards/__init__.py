"""Code standards on the master: what an archive holds, judged before any host is touched."""
