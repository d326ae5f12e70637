"""How much Google shows: characters after which a text may be cut on smaller phones, and how many of a kind are seen.

Google advises these lengths and refuses nothing for them.
https://developers.google.com/wallet/reference/rest/v1/loyaltyclass (and .../loyaltyobject)
"""

from typing import Final

NAME: Final = 20
PROVIDER: Final = 12
TITLE: Final = 60
ACCOUNT: Final = 20
ACCOUNT_LABEL: Final = 15
BALANCE_LABEL: Final = 9
BALANCE: Final = 7
HEADER: Final = 35
BODY: Final = 500
LINK: Final = 20
APP_LINK: Final = 30
MODULE_HEADER: Final = 60
MODULE_BODY: Final = 50

MODULES: Final = 10
IMAGES: Final = 1
