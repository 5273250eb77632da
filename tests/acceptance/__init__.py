"""The promises, tried on a real account: `make acceptance`.

Read `__main__`, the command line, then `promises`, what is tried in which order; `databases`, what
differs between an instance and a cluster; `questions`, what nobody knows yet of the real AWS;
`leftovers`, what is removed at the end; `account`, the calls, and `recording`, what is kept of the
answers.
"""
