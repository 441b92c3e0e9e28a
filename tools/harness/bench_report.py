"""Tables and a plot of what was measured: text, CSV, Markdown, SVG.

A ratio is Moonshot's cost over Linux's, so that below 1 is better for every kind of row: for MB/s
it is Linux's figure over ours.
"""

import csv
import math
from dataclasses import dataclass

from .bench import Row

# The targets, in instructions; every other row's is Linux's figure.
TARGETS = {
    "sys.getppid": 90, "path.open_close": 1500, "sig.deliver": 1200, "proc.fork_exit": 45000,
    "proc.vfork_exec": 150000, "mem.mmap_4k": 3000, "fault.anon": 1000, "fault.anon_4k": 1000,
    "proc.fork_64m": 450000, "proc.fork_64m_4k": 450000,
    "tcp.lat_rt": 16800, "udp.lat_rt": 13300, "tcp.connect": 64500,
}
LARGE_PAGES = {"fault.anon", "fault.unmap", "proc.fork_64m"}  # Linux's figures are large pages'
CONTROLS = "ctl."
NOISY_PERCENT = 5


@dataclass(frozen=True)
class Pair:
    """One row on both kernels."""

    name: str
    ours: Row
    linux: Row | None
    mode: str

    @property
    def unit(self):
        return self.ours.unit or (self.linux.unit if self.linux else "")

    @property
    def ratio(self):
        if not self.linux or not self.ours.value or not self.linux.value:
            return None
        quotient = self.ours.value / self.linux.value
        return 1 / quotient if self.unit.endswith("/s") else quotient

    @property
    def target(self):
        return TARGETS.get(self.name) if self.mode == "icount" else None

    @property
    def verdict(self):
        """Empty when all is well."""
        if self.ours.value is None:
            return "left out: " + self.ours.note
        if self.name.startswith(CONTROLS):
            return ""
        if self.target and self.ours.value > self.target:
            return "over its target"
        if self.ratio and self.ratio > 1.005:
            large = self.name in LARGE_PAGES
            return "slower than Linux" + (" with large pages" if large else "")
        return ""

    @property
    def noise(self):
        return max(self.ours.spread, self.linux.spread if self.linux else 0)


def number(value):
    """Four figures are enough, and thousands are told apart."""
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if value < 10 else f"{value:.1f}"


def geometric_mean(pairs):
    ratios = [pair.ratio for pair in pairs if pair.ratio and not pair.name.startswith(CONTROLS)]
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def cells(pair):
    return [pair.name, pair.unit, number(pair.ours.value),
            number(pair.linux.value if pair.linux else None),
            f"{pair.ratio:.2f}" if pair.ratio else "-", number(pair.target),
            f"{pair.noise:.1f} %", pair.verdict]


HEAD = ["row", "unit", "Moonshot", "Linux", "ratio", "target", "noise", ""]


def noise_line(pairs, load):
    """How far the figures may be trusted."""
    spreads = sorted(pair.noise for pair in pairs if pair.ours.value is not None)
    if not spreads:
        return "nothing was measured"
    noisy = [pair.name for pair in pairs if pair.noise > NOISY_PERCENT]
    text = f"noise: median {spreads[len(spreads) // 2]:.1f} %, worst {spreads[-1]:.0f} %"
    if noisy:
        text += f"; over {NOISY_PERCENT} %: " + ", ".join(noisy[:12]) + (", ..." * (len(noisy) > 12))
    return text + f"; load of this machine {load[0]:.1f} before, {load[1]:.1f} after"


def mean_line(pairs):
    mean = geometric_mean(pairs)
    late = [pair.name for pair in pairs if pair.verdict and pair.ours.value is not None
            and pair.name not in LARGE_PAGES]
    text = f"geometric mean of the ratios {mean:.3f} (target 0.5)" if mean else "no ratios"
    return f"{text}; {len(late)} of {len(pairs)} rows miss what is asked of them" + (
        ": " + ", ".join(late) if late else "")


SCALING_HEAD = ["on two CPUs", "Moonshot", "Linux", "noise", "locks waited for here"]


def scaling_rows(pairs):
    """How much more is done by two CPUs than by one: 2 is all that can be had."""
    known = {pair.name: pair for pair in pairs}
    rows = []
    for name, alone in known.items():
        both = known.get(name[:-1] + "2") if name.endswith("_1") else None
        if not both or not alone.ours.value or not both.ours.value:
            continue
        theirs = alone.linux and both.linux and alone.linux.value and both.linux.value
        rows.append([name[:-2], f"{alone.ours.value / both.ours.value:.2f}",
                     f"{alone.linux.value / both.linux.value:.2f}" if theirs else "-",
                     f"{max(alone.noise, both.noise):.1f} %", both.ours.note or "-"])
    return rows


def table(rows, head):
    """Text in columns; numbers to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        parts = [text.ljust(width) if i in (0, 1, len(head) - 1) else text.rjust(width)
                 for i, (text, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(parts).rstrip())
    return "\n".join(lines)


def markdown_table(rows, head):
    marks = ["---" if i in (0, 1, len(head) - 1) else "---:" for i in range(len(head))]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, marks, *rows])


def boot_rows(boot, units):
    """boot is {"Moonshot": figures, "Linux": figures}."""
    rows = []
    for name, (unit, target) in units.items():
        ours = boot["Moonshot"].get(name)
        late = "over its target" if target and ours and ours > target else ""
        rows.append([name, unit, number(ours), number(boot.get("Linux", {}).get(name)),
                     number(target), late])
    return rows


BOOT_HEAD = ["of the kernel", "unit", "Moonshot", "Linux", "target", ""]


def write_csv(path, all_pairs, boot):
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["clock", "row", "unit", "moonshot", "moonshot_spread_percent", "linux",
                      "linux_spread_percent", "ratio", "target", "remark"])
        for pair in all_pairs:
            linux = pair.linux or Row(pair.name, None)
            out.writerow([pair.mode, pair.name, pair.unit, pair.ours.value, pair.ours.spread,
                          linux.value, linux.spread, pair.ratio, pair.target, pair.verdict])
        for row in boot:
            out.writerow(["", row[0], row[1], row[2], "", row[3], "", "", row[4], row[5]])


def svg_bar(pair, y, x_of):
    """One row's bar, from 1 to its ratio on the logarithmic axis."""
    one, end = x_of(1), x_of(pair.ratio)
    colour = "#2b7a4b" if pair.ratio <= 1 else "#b03a2e"
    return (f'<text x="150" y="{y + 10}" text-anchor="end">{pair.name}</text>'
            f'<rect x="{min(one, end):.1f}" y="{y + 1}" width="{abs(one - end):.1f}" height="11" '
            f'fill="{colour}"/><text x="{x_of(4) + 40:.0f}" y="{y + 10}" text-anchor="end">'
            f"{pair.ratio:.2f}</text>")


def write_svg(path, pairs, title):
    """A bar for each row: how Moonshot's cost compares with Linux's."""
    shown = [pair for pair in pairs if pair.ratio and not pair.name.startswith(CONTROLS)]

    def x_of(ratio):
        return 160 + 420 * (math.log2(min(max(ratio, 1 / 64), 4)) + 6) / 8

    height = 60 + 14 * len(shown)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="{height}" '
             'font-family="sans-serif" font-size="10">',
             '<rect width="100%" height="100%" fill="#fff"/>',
             f'<text x="10" y="18" font-size="13">{title}</text>']
    for power in range(-6, 3):
        x, label = x_of(2.0 ** power), f"1/{2 ** -power}" if power < 0 else str(2 ** power)
        lines.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="42" y2="{height - 8}" '
                     f'stroke="{"#444" if power == 0 else "#ddd"}"/>'
                     f'<text x="{x:.1f}" y="36" text-anchor="middle">{label}</text>')
    lines += [svg_bar(pair, 44 + 14 * i, x_of) for i, pair in enumerate(shown)]
    path.write_text("\n".join(lines + ["</svg>"]) + "\n")
