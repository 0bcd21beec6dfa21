#!/usr/bin/env python3
"""Verifies certified receipts of mailping offline, with Python's standard library and the program openssl of OpenSSL 3 alone.
Written from mailping-core/docs/certified.md, which describes the format. Exit status: 0 if every file is sound, 1 if one is
refused, 2 if one could not be checked."""
import argparse, base64, datetime, hashlib, hmac, itertools, pathlib, re, signal, ssl, subprocess, sys, tempfile
GUIDE = "55884ff724cebef18467773667e10b0a7fa59c67e224693fc441e12f62f974e7"
PAGE = """mailping certified receipt 1\n
This is a receipt for one e-mail message: the one with the header line\n    Mailping-Key: %s
It lists all that was sealed about that message in the log\n    %s\nThe receipt is %s.\nListed are %s.\n
What was sealed\n\n%s\nWhat was stamped from outside\n\n%s\n"""
UNCHECKED = "\nNo stamp was checked: anyone can make one that names any time. Have OpenSSL check it against an authority you trust.\n"
HIDDEN = "\0-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
NAME = "[^+ \xa0\u1680\u2000-\u200a\u202f\u205f\u3000%s]+" % HIDDEN
NUMBER, SECOND = "(?:0|[1-9][0-9]{0,8})", "####-##-##T##:##:##Z".replace("#", "[0-9]")
TIME = "####-##-##(?:T##:00Z|T##:##:##[.]###Z)?".replace("#", "[0-9]")
STATEMENT = "(%s) (created|handed_over|reported|open|last_day|confirmed|ended): ([^%s]+)" % (TIME, HIDDEN)
ROTATION = "mailping seal 1\n(N)\n(T)\n(T)\n(.+)\nnext (.+)\n".replace("N", NUMBER).replace("T", SECOND)
PROOF = "key \\S+\n(seal N( T){2} N (-|[01]{1,256}) \\S+\n)+log \\S+\n(rotation \\S+\n)*(before \\S+ \\S+ \\S+\n)*".replace(
    "N", NUMBER).replace("T", SECOND)
EPOCH, LAST = datetime.datetime(1970, 1, 1), datetime.datetime(9999, 12, 30, 22)
CONTENT = "30 06a0 30 023130 06a0 04 30 "  # where a token has what its authority signs, as tags of DER
KINDS = "2a864886f70d010702 2a864886f70d0109100104 608648016503040201"  # id-signedData, id-ct-TSTInfo, id-sha256
KNOWN = ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", "92a009a9f0d4cab8720e820b5f642540a2b27b54"
         "16503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")  # a signature of RFC 8032

FORM = "it is not in the form of version 1"
class Refused(Exception): pass
def need(condition, why=FORM):
    if not condition: raise Refused(why)
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()
half = lambda size: 1 << ((size - 1).bit_length() - 1)  # the largest power of two below
b64 = lambda data: base64.b64encode(data).decode()
def unb64(text, sizes=range(1 << 28)):
    data = base64.b64decode(text, validate=True)
    return data if b64(data) == text and len(data) in sizes else need(False)
def hashes(text):
    data = b"" if text == "-" else unb64(text, range(32, 1 << 28, 32))
    return iter([data[at:at + 32] for at in range(0, len(data), 32)])
def when(text):  # the start and the end of a time, an hour or a day
    parts = [int(part) for part in re.findall("[0-9]+", text)]
    start = datetime.datetime(*parts[:6]) + datetime.timedelta(milliseconds=sum(parts[6:]))
    need(EPOCH <= start <= LAST)
    return start, start + datetime.timedelta(seconds={10: 86400, 17: 3600}.get(len(text), 0))
def openssl(*arguments, **files):  # `@name` in the arguments stands for a file with that content
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items(): pathlib.Path(folder, name).write_bytes(content)
        command = ["openssl"] + [a.replace("@", folder + "/") for a in arguments]
        return not subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
def verifies(key, text, signature):
    return openssl("pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "@key", "-rawin", "-in", "@text", "-sigfile",
                   "@signature", key=bytes.fromhex("302a300506032b6570032100") + key, text=text, signature=signature)
def is_point(data):  # whether it is a point of the curve of Ed25519 whose order is not small
    p, y = 2 ** 255 - 19, int.from_bytes(data, "little") % 2 ** 255
    d = -121665 * pow(121666, p - 2, p)
    return y * (d * y ** 4 + 2 * y * y - 1) % p and pow((y * y - 1) * (d * y * y + 1), p // 2, p) == 1
def log_key(text):  # the name, the id and the bytes of a log's public key
    name, id, typed = re.fullmatch("(%s)[+]([^+]+)[+](.+)" % NAME, text).groups()
    key = unb64(typed, [33])
    need(sha(name.encode(), b"\n", key)[:4].hex() == id and key[0] == 1 and is_point(key[1:]))
    return name, id, key[1:]
def note(whole):  # a signed note (c2sp.org/signed-note): its text and its signatures
    text, _, lines = whole.rpartition("\n\n")
    need(text and lines.endswith("\n") and lines.count("\n") <= 32 and not re.search("[\0-\x09\x0b-\x1f]", whole))
    lines = [re.fullmatch("\u2014 (%s) (.+)" % NAME, line).groups() for line in lines[:-1].split("\n")]
    return text + "\n", [(name, unb64(signature, range(5, 1 << 28))) for name, signature in lines]
def signed(text, signatures, key):  # whether the one line of a log's key is its signature
    name, id, public = log_key(key)
    found = [data[4:] for of, data in signatures if of == name and data[:4].hex() == id]
    return len(found) == 1 and is_point(found[0][:32]) and verifies(public, text.encode(), found[0])
def checkpoint(text):
    origin, size, root = re.fullmatch("([^\n]+)\n([1-9][0-9]{0,8})\n([^\n]+)\n", text).groups()
    return origin, int(size), unb64(root, [32])
def der(data, path):  # the last value of each level is the next level: the content of the last one, and what stands behind it
    for level in path.split():
        for tag in bytes.fromhex(level):
            start = max(data[1] - 126, 2)
            end = start + (int.from_bytes(data[2:start], "big") if start > 2 else data[1])
            need(data[0] == tag and data[1] != 128 and start <= 6 and end <= len(data))
            content, data = data[start:end], data[end:]
        behind, data = data, content
    return content, behind
def stamped(token, digest):  # the time of a token of RFC 3161 over this digest
    kinds = [der(token, path)[0].hex() for path in ("30 06", CONTENT[:18] + "06", CONTENT + "020630 30 06")]
    need(not der(token, "30")[1] and kinds == KINDS.split() and der(token, CONTENT + "020630 3004")[0] == digest)
    digits = re.fullmatch(b"([0-9]{14})([.][0-9]*)?Z", der(token, CONTENT + "0206300218")[0])[1].decode()
    return "%s-%s-%sT%s:%s:%sZ" % (*re.findall("^....|..", digits),)

def tree_root(first, size, known, leaves, proof):
    if size == 1 or not known:
        return leaves[known[0]] if known else next(proof)
    middle = first + half(size)
    left = tree_root(first, half(size), [n for n in known if n < middle], leaves, proof)
    return sha(b"\1", left, tree_root(middle, size - half(size), [n for n in known if n >= middle], leaves, proof))
def extended(old_size, size, old, proof):  # the roots of the first entries and of all, by a consistency proof
    if old_size == size:
        return [old or next(proof)] * 2
    if old_size > half(size):
        (before, now), whole = extended(old_size - half(size), size - half(size), None, proof), next(proof)
        return sha(b"\1", whole, before), sha(b"\1", whole, now)
    before, now = extended(old_size, half(size), old, proof)
    return before, sha(b"\1", now, next(proof))
def map_root(tag, value, bits, given):  # by the path to a tag, with its value or without a leaf
    bits, side = bits.strip("-"), format(int.from_bytes(tag, "big"), "0256b")
    siblings, other = [next(given) if bit == "1" else bytes(32) for bit in bits], list(given)
    need(bits.count("0") == siblings.count(bytes(32)))
    alike = not other or format(int.from_bytes(other[0], "big"), "0256b")[:len(bits)] == side[:len(bits)]
    need(alike and (not other or len(other) == 2 and not value and other[0] != tag), "a path that leads nowhere")
    node = sha(b"\2", tag, value) if value else sha(b"\2", *other) if other else bytes(32)
    for at in reversed(range(len(bits))):
        node = sha(b"\3", siblings[at], node) if side[at] == "1" else sha(b"\3", node, siblings[at])
    return node

def verify(data, trusted, authorities):
    need(len(data) <= 1 << 28, "it is longer than any receipt")
    whole = data.decode()
    page, _, proof = whole.partition("\nProof\n\n")
    need(proof, "it is no certified receipt")
    body, _, end = proof.rpartition("\nend ")
    need(end == sha(whole[:len(whole) - len(end) - 4].encode()).hex() + "\n", "it was cut off, or changed after it was made")
    proof, _, head = body.partition("\ncheckpoint\n")
    need(re.fullmatch(PROOF, proof + "\n"))
    of = lambda word: [line.split(" ")[1:] for line in proof.split("\n") if line.startswith(word + " ")]
    key, rotations, leaves, seals, listed, stamps = unb64(of("key")[0][0], [32]), {}, {}, [], [], ""
    mac = lambda *parts: hmac.new(key, b"mailping/1/" + b"".join(parts), "sha256").digest()
    for entry, in of("rotation"):
        text, signatures = note(unb64(entry).decode())
        n, start, until, root, following = re.fullmatch(ROTATION, text).groups()
        need(when(start) and when(until) and unb64(root, [32]) and log_key(following))
        need(int(n) > max(rotations, default=-1), "rotations in another order")
        rotations[int(n)], leaves[int(n)] = text, sha(b"\0", unb64(entry))
        trusted = following if signed(text, signatures, trusted) else trusted
    head = note(head + "\n")
    origin, size, root = checkpoint(head[0])
    need(trusted.split("+")[0] == origin and signed(*head, trusted), "the checkpoint is not signed by the log's key")
    lines = iter(re.findall("^sealed by [^ ]+: (.*)$", page.partition("\nWhat was stamped")[0], re.M))
    for n, start, until, count, bits, path in of("seal"):
        n, at, mine = int(n), int(n).to_bytes(8, "big"), [next(lines) for _ in range(int(count))]
        bound = [mac(b"statement", at, i.to_bytes(4, "big"), line.encode()) for i, line in enumerate(mine)]
        value = sha(b"mailping/1/leaf", len(mine).to_bytes(4, "big"), *bound) if mine else None
        top = b64(map_root(mac(b"tag", at), value, bits, hashes(path)))
        entry = "mailping seal 1\n%d\n%s\n%s\n%s\n" % (n, start, until, top)
        need(n not in rotations or rotations[n].startswith(entry + "next "), "a rotation is not its seal")
        leaves.setdefault(n, sha(b"\0", entry.encode()))
        start, ends, last = when(start)[0], when(until)[0], seals[-1] if seals else (n, when(start)[0], when(start)[0])
        need(last[2] <= start < ends and (n != last[0] + 1 or start == last[2]), "the period of seal %d does not follow" % n)
        seals.append((n, start, ends, mine))
        for line in mine:
            time, kind, fields = re.fullmatch(STATEMENT, line).groups()
            listed.append((ends, "sealed by %s: %s\n" % (until, line), time, kind, fields.split("; ")))
    rest = hashes(of("log")[0][0])
    is_whole = max(leaves) < size and tree_root(0, size, sorted(leaves), leaves, rest) == root and not list(rest)
    need(is_whole, "the list is not what the log has signed: something was changed, added or left out")
    kinds, opens = [one[3] for one in listed], [one for one in listed if one[3] == "open"]
    need([at for at, kind in enumerate(kinds) if kind == "created"] == [0], "the list does not begin with the message")
    need("ended" not in kinds[:-1], "a statement stands after the end")
    final = kinds[-1] == "ended"
    need(seals[-1][3] or not final, "a seal stands after the end")
    due = (n for n in range(seals[0][0], seals[-1][0] + 1 if final else size) if n - seals[0][0] < 720 or n % 24 == 0)
    need(all(seal and seal[0] == n for seal, n in itertools.zip_longest(seals, due)), "a seal is left out or none of these")
    need(all(when(one[2])[1] <= one[0] for one in listed), "a statement was sealed before it happened")
    need(seals[0][1] <= when(listed[0][2])[0] < seals[0][2], "the message was not created in the period of the first seal")
    field = lambda one, name: next((text[len(name):] for text in one[4] if text.startswith(name)), "")
    record_until, ids = field(listed[0], "recorded until "), [field(one, "id ") for one in opens]
    need(re.fullmatch(TIME, record_until), "the message does not say until when is recorded")
    record_until = when(record_until)[0]
    need(all(when(one[2])[1] <= record_until for one in opens), "an open is from after the end of recording")
    need(all(ids) and len(set(ids)) == len(ids), "an open has no id, or is there twice")
    end, early = when(listed[-1][2])[0], listed[-1][4][0] != "record_until"
    need(not final or end == record_until or end < record_until and early, "recording ended at another time than was set")
    for old, path, token in [(unb64(old), hashes(path), token) for old, path, token in of("before")]:
        old_origin, old_size, old_root = checkpoint(note(old.decode())[0])
        both = list(extended(old_size, size, old_root, path)) if old_size <= size else []
        need(old_origin == origin and both == [old_root, root] and not list(path), "the log was rewritten")
        if token != "-":
            time = stamped(unb64(token), sha(old))
            stamps += "stamped at %s: seals 0 to %d\n" % (time, old_size - 1)
            then = "%d" % (when(time)[0] - EPOCH).total_seconds()
            need(not authorities or openssl("ts", "-verify", "-data", "@old", "-in", "@token", "-token_in", "-CAfile", "@known",
                                            "-attime", then, old=old, token=unb64(token), known=authorities),
                 "a stamp is not one of the given authorities")
    counts = [sum(one[4][0] == verdict for one in opens) for verdict in ("human", "machine", "uncertain")]
    state = "interim: it lists what was sealed until %s. More may follow" % until
    state = "final: recording has ended, and nothing can be added to the list" if final else state
    counts = "%d human, %d machine and %d uncertain fetches of its picture, and %d last days" % (*counts, kinds.count("last_day"))
    sealed = "".join(one[1] for one in listed)
    expected = PAGE % (b64(sha(b"mailping/1/key", key, seals[0][3][0].encode())), origin, state, counts, sealed, stamps or "nothing\n")
    need(page.startswith(expected) and sha(page[len(expected):].encode()).hex() == GUIDE, "the first page is not that of the proof")
    return page + (UNCHECKED if stamps and not authorities else "")

sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
if hasattr(signal, "SIGPIPE"): signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # whoever reads may stop early
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("KEY", help="the log's public key, from where its service publishes it")
parser.add_argument("FILE", nargs="+", help="a receipt")
parser.add_argument("--ca", metavar="CERTIFICATES.pem", help="the authorities whose stamps you trust")
options, status = parser.parse_intermixed_args(), 0
for check, why in [
        (lambda: log_key(options.KEY), "KEY is not the public key of a log: expected a line such as example.com/receipts+0a1b2c3d+AQ..."),
        (lambda: options.ca and ssl.create_default_context(cafile=options.ca), "--ca needs a file of certificates in PEM"),
        (lambda: need(verifies(*map(bytes.fromhex, KNOWN))), "nothing was checked: the program openssl of OpenSSL 3 is needed")]:
    try: check()
    except Exception: parser.error(why)
for name in options.FILE:
    try: print(verify(pathlib.Path(name).read_bytes(), options.KEY, options.ca and pathlib.Path(options.ca).read_bytes()))
    except (OSError, MemoryError) as error:
        status = print("%s: NOT CHECKED: %s" % (name, error), file=sys.stderr) or 2
    except Exception as error:
        status = print("%s: REFUSED: %s" % (name, error if isinstance(error, Refused) else FORM)) or max(status, 1)
sys.exit(status)
