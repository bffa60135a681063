"""Support package of the lessons on blockchain federated learning.

Importing it is fast and starts nothing; import the module you need::

    from bcfl_support import chain, ipfs, protocol
"""

__version__ = "0.1.0"
