"""What a referral network is: its facts, and the rules by which commands become facts.

Standard library only. Nothing here reads a clock, a random number, a file or the environment.
"""
