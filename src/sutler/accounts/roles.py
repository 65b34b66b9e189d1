"""What staff may do: one closed table of roles and permissions."""

from enum import Enum, auto

from sutler.accounts.models import Role, User


class Permission(Enum):
    """One thing that a page or a button asks for."""

    SEE_ORDERS = auto()
    CHANGE_ORDERS = auto()
    SEE_MONEY = auto()
    ADJUST_BALANCE = auto()
    CUSTOMERS = auto()
    CATALOGUE = auto()
    PROVIDERS = auto()
    # What became of an order whose outcome upstream is unknown.
    VERDICTS = auto()
    PAYMENTS = auto()
    TICKETS = auto()
    ANNOUNCEMENTS = auto()
    SETTINGS = auto()
    STAFF = auto()
    AUDIT_LOG = auto()
    VERIFY = auto()
    SIGN_IN_AS = auto()


_FULFILMENT = frozenset({Permission.SEE_ORDERS, Permission.CHANGE_ORDERS, Permission.VERDICTS})
_SUPPORT = frozenset(
    {Permission.SEE_ORDERS, Permission.CHANGE_ORDERS, Permission.CUSTOMERS, Permission.TICKETS, Permission.SIGN_IN_AS}
)
ROLES: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    # Everything but who is on the staff and what the panel is.
    Role.MANAGER: frozenset(Permission) - {Permission.STAFF, Permission.SETTINGS},
    Role.SUPPORT: _SUPPORT,
    Role.FULFILMENT: _FULFILMENT,
}


def permissions_of(user: User) -> frozenset[Permission]:
    """Returns what the person may do: nothing for customers and for who is no longer active."""
    if not (user.is_active and user.is_staff and user.role):
        return frozenset()
    return ROLES[Role(user.role)]


def may(user: User, permission: Permission) -> bool:
    """Returns True if the person's role has the permission."""
    return permission in permissions_of(user)
