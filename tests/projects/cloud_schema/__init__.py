"""Real provider schemas for the real terraform core, where the providers themselves cannot be had.

A check that uses these is *schema-level*: every resource, argument, type and reference is held against the provider's
own schema. The provider's validators and the cloud's behaviour are not there.
"""
