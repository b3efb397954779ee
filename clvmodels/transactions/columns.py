"""Which column holds the customer, the day and the money: given by the analyst, or guessed from common names."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from clvmodels import written
from clvmodels.errors import InputError
from clvmodels.language import _

CONTRACT = frozenset(
    """customer_id date value first_purchase last_purchase frequency recency T monetary_value value_first value_past
    n_valued log_value_mean log_value_ss purchases first_purchases horizon_start horizon_end p_alive p_active
    expected_purchases purchases_lower purchases_upper expected_spend value_lower value_upper clv clv_lower
    clv_upper formula_value tier _rows _gross _negative _reason""".lower().split()
)
"""Names with a meaning of their own in our tables: no segment or cost column may bear one."""

# Common names in English and Portuguese, lower case without accents, spaces or underscores; the first list that
# matches any column decides, so that a row's own "id" does not compete with "customer_id".
_GUESSES = {
    role: tuple(frozenset(tier.split()) for tier in tiers)
    for role, tiers in {
        "customer_id": (
            "customerid customer custid customerno customernumber customerkey customeruniqueid clientid client "
            "userid user memberid accountid buyerid shopperid clienteid idcliente cliente codcliente "
            "codigocliente idusuario usuario consumidor idconsumidor comprador cpf cnpj",
            "id uid cid email account member buyer",
        ),
        "date": (
            "date orderdate invoicedate transactiondate purchasedate saledate salesdate orderpurchasetimestamp "
            "data datapedido datacompra datavenda datatransacao datanota dataemissao datafatura",
            "datetime timestamp time day dt orderdatetime transactiontime purchasetime ordertimestamp createdat "
            "orderedat purchasedat soldat datahora dia",
        ),
        "value": (
            "value valor",
            "amount sales revenue spend spending total turnover dollarvalue monetaryvalue ordervalue orderamount "
            "ordertotal totalamount totalvalue totalprice totalsales saleamount salesamount salesvalue "
            "purchaseamount purchasevalue paymentvalue transactionamount transactionvalue netamount netsales "
            "grossamount dollars usd brl receita faturamento montante valortotal valorpedido valorcompra "
            "valorvenda valorpago precototal totalpedido totalvenda totalcompra",
        ),
    }.items()
}
_FLAGS = {
    "customer_id": "--customer-id",
    "date": "--date",
    "value": "--value",
    "segment": "--segment",
    "cost": "--cost",
}


@dataclass(frozen=True)
class Columns:
    """The position of each column we read, in the source's own order."""

    customer_id: int
    date: int
    value: int | None
    segments: tuple[tuple[str, int], ...]
    cost: tuple[str, int] | None

    @property
    def positions(self) -> list[tuple[str, int]]:
        """Role and position of every column we read."""
        roles = [("customer_id", self.customer_id), ("date", self.date), ("value", self.value)]
        roles += [(f"segment_{i}", at) for i, (_, at) in enumerate(self.segments)]
        roles += [("cost", self.cost[1])] if self.cost else []
        return [(role, at) for role, at in roles if at is not None]


def find_columns(
    names: Sequence[str],
    *,
    customer_id: str | None = None,
    date: str | None = None,
    value: str | bool | None = None,
    segment: Sequence[str] = (),
    cost: str | None = None,
) -> Columns:
    """Resolve given and guessed names against the source's ``names``; all problems in one error.

    Examples
    --------
    >>> find_columns(["id", "Cód. Cliente", "Data", "Valor"])
    Columns(customer_id=1, date=2, value=3, segments=(), cost=None)
    """
    problems: list[str] = []
    listed = ", ".join(f"'{name}'" for name in names[:20]) + (", …" if len(names) > 20 else "")

    def given(role: str, name: str) -> int | None:
        exact = [i for i, have in enumerate(names) if have == name]
        alike = exact or [i for i, have in enumerate(names) if _bare(have) == _bare(name)]
        if len(alike) == 1:
            return alike[0]
        if alike:
            problems.append(_("{n} columns are called '{name}'. Rename all but one.").format(n=len(alike), name=name))
        else:
            close = difflib.get_close_matches(name, names, n=1)
            hint = _(" Did you mean '{meant}'?").format(meant=close[0]) if close else ""
            problems.append(
                _("there is no column '{name}' ({flag}). The columns are {listed}.{hint}").format(
                    name=name, flag=_FLAGS[role], listed=listed, hint=hint
                )
            )
        return None

    def guessed(role: str, what: str) -> int | None:
        for tier in _GUESSES[role]:
            hits = [i for i, have in enumerate(names) if _bare(have) in tier]
            if len(hits) == 1:
                return hits[0]
            if hits and len({names[i] for i in hits}) == 1:
                problems.append(
                    _("{n} columns are called '{name}'. Rename all but one.").format(n=len(hits), name=names[hits[0]])
                )
                return None
            if hits:
                found = written.choice([f"'{names[i]}'" for i in hits])
                problems.append(
                    _("{what} may be {found}. Choose one with {flag} COLUMN.").format(
                        what=what, found=found, flag=_FLAGS[role]
                    )
                )
                return None
        problems.append(
            _("no column looks like {what}. The columns are {listed}. Name it with {flag} COLUMN.").format(
                what=what, listed=listed, flag=_FLAGS[role]
            )
        )
        return None

    id_at = given("customer_id", customer_id) if customer_id else guessed("customer_id", _("the customer"))
    date_at = given("date", date) if date else guessed("date", _("the date of the purchase"))
    segments_at = [(name, given("segment", name)) for name in segment]
    cost_at = given("cost", cost) if cost else None
    value_at = None
    if isinstance(value, str) and value != "none":
        value_at = given("value", value)
    elif value is None or value is True:
        taken = {id_at, date_at, cost_at, *(at for _, at in segments_at)} - {None}
        # Customers and dates alone are a log without money; beside other columns the analyst must say so.
        if value is True or len(taken) < len(names) or problems:
            value_at = guessed("value", _("the money"))
            if value_at is None:
                problems[-1] += _(" Or leave money out with --value none.")
    own = [names[at] for _, at in segments_at if at is not None] + ([names[cost_at]] if cost_at is not None else [])
    for name in own:
        if name.lower() in CONTRACT:  # engines do not tell Value from value
            problems.append(
                _("column '{name}' would collide with our own column of that name. Rename it.").format(name=name)
            )
    if len({name.lower() for name in own}) < len(own):
        problems.append(_("a column is asked for twice by --segment and --cost. Name each once."))
    roles = {_("customer"): id_at, _("date"): date_at, _("money"): value_at}
    for one, other in combinations((role for role, at in roles.items() if at is not None), 2):
        if roles[one] == roles[other]:
            problems.append(
                _("'{name}' is taken for the {one} and for the {other}. Name another column.").format(
                    name=names[roles[one] or 0], one=one, other=other
                )
            )
    if problems:
        raise InputError(_("the columns are not clear"), problems)
    assert id_at is not None
    assert date_at is not None
    return Columns(
        customer_id=id_at,
        date=date_at,
        value=value_at,
        segments=tuple((names[at], at) for _, at in segments_at if at is not None),
        cost=None if cost_at is None else (names[cost_at], cost_at),
    )


def _bare(name: str) -> str:
    plain = unicodedata.normalize("NFKD", str(name)).encode("ascii", "ignore").decode()
    return "".join(c for c in plain.lower() if c.isalnum())
