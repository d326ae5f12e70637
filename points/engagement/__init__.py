"""What keeps people coming: referral, surveys, boards, games, draws, birthdays, households, consents.

Each of them decides in its own tables and gives points only through the ledger: a promise is written in the same
transaction as the decision, and kept by asking the ledger under the promise's key, which can pay only once.
"""
