"""Code standards: what a release may hold, said as data.

A rule is data (:mod:`pushguide.standards.rules`), what it is applied to is a listing
(:mod:`pushguide.standards.listing`), and what comes out are findings. Master and hosts use the
same: the master on an archive's directory, a host on its live release.
"""
