#!/usr/bin/env python3
"""What the compiler made of Hopper's kernels, as tables for docs/hopper.md.

    counts.py --nvdisasm PROGRAM X.cubin...             prints the tables
    counts.py --nvdisasm PROGRAM --check PAGE X.cubin...  fails where PAGE has
                                    others; ends with 77 without nvdisasm

Another release of nvcc than the page names may make others of the same source:
then only what every release must give is looked at.

Beside each cubin lies what ptxas said (cmake/hopper_check.cmake). Refuses
kernels whose main loop lacks what it is for: products of at least 64 columns
for the scores and for the sums, tile copies, registers that change hands.
"""
import argparse
import re
import shutil
import subprocess
import sys

BEGIN = "<!-- counts: made by tools/hopper/counts.py -->"
END = "<!-- end of counts -->"
SEQUENCES = """| head size, rows x keys, mask | registers (copies / computes) | spilled bytes | scores in the loop | sums in the loop | exponentials in the loop | waits for products in the loop | tile copies | register hand-overs |
|---|---|---|---|---|---|---|---|---|"""
PAGES = """| head size, rows of heads | registers | spilled bytes | products in the loop | matrix loads in the loop | exponentials in the loop | tile copies |
|---|---|---|---|---|---|---|"""


def kernels_of(sass):
    """{mangled name: its lines of labels and instructions}"""
    found, lines = {}, None
    for line in sass.splitlines():
        section = re.match(r"\s*\.section\s+\.text\.([^,]+),", line)
        if section:
            lines = found.setdefault(section[1], [])
        elif line.lstrip().startswith(".section"):
            lines = None
        elif lines is not None:
            label = re.match(r"(\.L_x_\d+):", line)
            instruction = re.match(r"\s*/\*[0-9a-f]+\*/\s+(.*?);", line)
            if label:
                lines.append(label[1] + ":")
            elif instruction:
                lines.append(instruction[1])
    return found


def is_sum(line):
    return "HGMMA" in line and "tnspB" in line


def is_score(line):
    return "HGMMA" in line and "tnspB" not in line


def main_loop(lines, *parts):
    """The shortest loop that has something of each part."""
    places = {line[:-1]: i for i, line in enumerate(lines) if line[-1] == ":"}
    loops = []
    for end, line in enumerate(lines):
        branch = re.search(r"BRA\S* .*?`\((\.L_x_\d+)\)", line)
        if branch and places.get(branch[1], end) < end:
            loop = lines[places[branch[1]]:end]
            if all(any(map(part, loop)) for part in parts):
                loops.append(loop)
    return min(loops, key=len, default=[])


def shapes(lines):
    found = sorted({re.search(r"HGMMA\.(\S+?)\.F32", l)[1] for l in lines})
    return f"{len(lines)} of {' and '.join(found)}" if lines else "none"


def columns_of(lines):
    return min((int(re.search(r"HGMMA\.64x(\d+)x16", l)[1]) for l in lines),
               default=0)


def said_of(kernel, ptxas):
    """What ptxas said of a kernel: (bytes spilled, bytes of stack, registers)"""
    about = re.search(r"Function properties for " + re.escape(kernel) +
                      r"\s+(\d+) bytes stack frame, (\d+) bytes spill stores"
                      r".*?Used (\d+) registers", ptxas, re.DOTALL)
    return int(about[2]), int(about[1]), int(about[3])


def sequences_row(kernel, lines, ptxas, bad):
    variant = re.search(r"VariantILi(\d+)ELi(\d+)ELi(\d+)ELi\d+ELb(\d)ELb(\d)E",
                        kernel)
    dim, groups, keys, causal, paged = map(int, variant.groups())
    name = (f"{dim}, {groups * 64} x {keys}, "
            f"{'causal' if causal else 'none'}{', paged' if paged else ''}")
    loop = main_loop(lines, is_score, is_sum)  # The one without a mask.
    scores, sums = list(filter(is_score, loop)), list(filter(is_sum, loop))
    given = [int(m[1], 16) for l in lines
             if (m := re.search(r"USETMAXREG\S* .*?(0x[0-9a-f]+)", l))]
    copies = sum("UTMALDG" in l for l in lines)
    spilled, stack, _ = said_of(kernel, ptxas)
    if spilled or stack:
        bad.append(f"{name}: {spilled} bytes spilled, {stack} of stack")
    if min(columns_of(scores), columns_of(sums)) < 64:
        bad.append(f"{name}: the loop has products of less than 64 columns")
    if copies == 0 or len(given) != 2:
        bad.append(f"{name}: {copies} tile copies, {len(given)} hand-overs")
    return (f"| {name} | {min(given, default=0)} / {max(given, default=0)} | "
            f"{spilled} | {shapes(scores)} | {shapes(sums)} | "
            f"{sum('MUFU.EX2' in l for l in loop)} | "
            f"{sum('WARPGROUP.DEPBAR' in l for l in loop)} | "
            f"{copies} | {len(given)} |")


def pages_row(kernel, lines, ptxas, bad):
    variant = re.search(r"PageVariantILi(\d+)ELi(\d+)E", kernel)
    name = f"{variant[1]}, {int(variant[2]) * 8}"
    loop = main_loop(lines, lambda line: "HMMA.16816" in line)
    count = lambda what, where: sum(what in line for line in where)
    spilled, stack, registers = said_of(kernel, ptxas)
    copies = count("UTMALDG", lines)
    if spilled or stack or not loop or copies == 0:
        bad.append(f"{name}: {spilled} bytes spilled, {stack} of stack, "
                   f"{len(loop)} lines of loop, {copies} tile copies")
    return (f"| {name} | {registers} | {spilled} | "
            f"{count('HMMA.16816', loop)} | {count('LDSM', loop)} | "
            f"{count('MUFU.EX2', loop)} | {copies} |")


def release_of(text):
    found = re.search(r"nvcc,? release ([0-9.]+[0-9])", text)
    return found[1] if found else None


def tables(nvdisasm, cubins, bad):
    sequences, pages = [], []
    release = None
    for cubin in cubins:
        with open(cubin + ".ptxas", encoding="utf-8") as file:
            ptxas = file.read()
        release = release_of(ptxas)
        sass = subprocess.run([nvdisasm, "-c", cubin], check=True,
                              capture_output=True, text=True).stdout
        for kernel, lines in kernels_of(sass).items():
            if "attend_sequences_kernel" in kernel:
                sequences.append(sequences_row(kernel, lines, ptxas, bad))
            elif "decode_pages_kernel" in kernel:
                pages.append(pages_row(kernel, lines, ptxas, bad))
    return "\n".join([f"By nvcc release {release}:", "", SEQUENCES] + sorted(sequences) + ["", PAGES] +
                     sorted(pages))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nvdisasm", default="nvdisasm")
    parser.add_argument("--check")
    parser.add_argument("cubins", nargs="+")
    args = parser.parse_args()
    nvdisasm = shutil.which(args.nvdisasm)
    if nvdisasm is None:
        print("skipped: no nvdisasm; PyPI's nvidia-cuda-nvdisasm has one "
              "(-DTROUPE_NVDISASM=...)")
        return 77
    bad = []
    made = tables(nvdisasm, args.cubins, bad)
    for line in bad:
        print(line, file=sys.stderr)
    if args.check is None:
        print(made)
        return 1 if bad else 0
    with open(args.check, encoding="utf-8") as file:
        page = file.read()
    written = page.split(BEGIN)[1].split(END)[0].strip()
    if release_of(written) != release_of(made):
        print(f"{args.check} is of nvcc release {release_of(written)}, built "
              f"by {release_of(made)}: counts are not compared")
        return 1 if bad else 0
    if written != made:
        print(f"{args.check} has\n{written}\nbuilt is\n{made}",
              file=sys.stderr)
    return 1 if bad or written != made else 0


if __name__ == "__main__":
    sys.exit(main())
