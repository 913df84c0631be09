"""Reports: which months are closed, and the figures of the nation's report of each."""

from datetime import date, datetime

from chaos.oracle.messages import End
from chaos.oracle.months import LINE, books, deadline, owed
from chaos.oracle.registry import Registry


def closed_months(registry: Registry, now: datetime) -> list[str]:
    """Those that somebody owes and whose deadline is over: of others since the first duty the load says nothing."""
    return sorted({month for _, month in owed(registry) if deadline(month) <= now})


def next_month(month: str) -> str:
    year, number = map(int, month.split("-"))
    return f"{year + number // 12}-{number % 12 + 1:02}"


def draw_up(registry: Registry, end: End, now: datetime) -> None:
    """Flows, output, coverage, declarations and caps of each closed month; a line of nothing but zeros is none."""
    for month in closed_months(registry, now):
        end.figures[month] = "closed"
        for (plant, product), line in books(end, month).items():
            for unit, name in enumerate(("product", "reo")):
                if any(line[figure][unit] for figure in LINE):
                    figures = tuple(line[figure][unit] for figure in LINE)
                    end.figures[month, "flow", plant, product or "unknown", name] = figures
        covered: dict[tuple[str, str], list[int]] = {}
        for (plant, when, activity, product), (net_g, reo_g, lawful_g) in end.output.items():
            if when == month:
                end.figures[month, "output", plant, activity, product] = (net_g, reo_g)
                sums = covered.setdefault((plant, product), [0, 0])
                sums[0] += net_g
                sums[1] += lawful_g
        for (plant, product), sums in covered.items():
            end.figures[month, "coverage", plant, product] = tuple(sums)
        for (plant, when), status in end.declared.items():
            if when == month:
                differs = ("declaration-differs", plant, month) in end.raised
                end.figures[month, "declaration", plant] = (status, differs)
        draw_up_caps(month, registry, end)


def draw_up_caps(month: str, registry: Registry, end: End) -> None:
    """What was granted and drawn of each cap of the year by the month's end, and drawn in the month."""
    first, until = (date.fromisoformat(f"{each}-01") for each in (month, next_month(month)))
    grants = registry.grants()
    for holder, year, kind in {*end.cap_days, *grants}:
        if year != first.year:
            continue
        days = {day: drawn for day, (drawn, _) in end.cap_days.get((holder, year, kind), {}).items() if day < until}
        issued = [grams for day, grams in grants.get((holder, year, kind), {}).items() if day < until]
        drawn_g, in_month_g = sum(days.values()), sum(grams for day, grams in days.items() if day >= first)
        if issued or drawn_g or in_month_g:
            end.figures[month, "cap", holder, kind] = (sum(issued) if issued else None, drawn_g, in_month_g)
