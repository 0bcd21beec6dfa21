#!/usr/bin/env python3
"""Verifies certified receipts of mailping offline, with Python's standard library and the program openssl alone.
Written from mailping-core/docs/certified.md, which describes the format. Exit status 0: every file is sound."""
import argparse, base64, datetime, hashlib, hmac, os, re, subprocess, sys, tempfile

GUIDE = "GUIDE_SHA"
HIDDEN = "[\0-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
KINDS = "created|handed_over|reported|open|last_day|confirmed|ended"
PROOF = "key .{44}\n(seal( [^ \n]+){6}\n)+log [^ \n]+\n(rotation [^ \n]+\n)*(before( [^ \n]+){3}\n)*"
TIMES = {24: ("%Y-%m-%dT%H:%M:%S.%fZ", 0), 20: ("%Y-%m-%dT%H:%M:%SZ", 0), 17: ("%Y-%m-%dT%H:00Z", 3600), 10: ("%Y-%m-%d", 86400)}

def need(condition, why):
    if not condition:
        raise ValueError(why)

def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def unb64(text):
    data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, "base64 in another form")
    return data

def hashes(text):
    data = b"" if text == "-" else unb64(text)
    need(len(data) % 32 == 0 and (data or text == "-"), "not a row of hashes")
    return [data[at:at + 32] for at in range(0, len(data), 32)]

def when(text):
    """The start and the end of a time, an hour or a day."""
    form, step = TIMES[len(text)]
    start = datetime.datetime.strptime(text, form)
    return start, start + datetime.timedelta(seconds=step)

def openssl(*arguments, **files):
    """Runs openssl; `@name` in the arguments stands for a file with that content."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        command = ["openssl"] + [os.path.join(folder, a[1:]) if a[0] == "@" else a for a in arguments]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

class Note:
    """A text with lines of signatures (c2sp.org/signed-note)."""
    def __init__(self, note):
        text, _, lines = note.rpartition("\n\n")
        need(text and lines.endswith("\n") and not re.search("[\0-\x09\x0b-\x1f]", note), "not a signed note")
        self.text, self.whole = text + "\n", note.encode()
        self.lines = [re.fullmatch("\u2014 ([^ ]+) ([^ ]+)", line).groups() for line in lines[:-1].split("\n")]

    def signed_by(self, key, kind):
        """Whether the one line of this public key, of the kind 1 (log) or 4 (witness), is its signature of the text."""
        name, id, typed = key.split("+", 2)
        need(sha(name.encode(), b"\n", unb64(typed))[:4].hex() == id and unb64(typed)[0] == kind, "not a public key of this use")
        found = [unb64(line)[4:] for of, line in self.lines if of == name and unb64(line)[:4].hex() == id]
        message, signature = self.text.encode(), found[0] if len(found) == 1 else b""
        if kind == 4:
            message, signature = b"cosignature/v1\ntime %d\n%s" % (int.from_bytes(signature[:8], "big"), message), signature[8:]
        der = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + unb64(typed)[1:])
        return len(signature) == 64 and openssl(
            "pkeyutl", "-verify", "-pubin", "-inkey", "@key", "-rawin", "-in", "@text", "-sigfile", "@signature",
            key=b"-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n" % der, text=message, signature=signature)

    def checkpoint(self):
        origin, size, root = re.fullmatch("([^\n]+)\n([1-9][0-9]{0,8})\n([^\n]{44})\n", self.text).groups()
        return origin, int(size), unb64(root)

def half(size):
    return 1 << ((size - 1).bit_length() - 1)

def tree_root(first, size, known, leaves, proof):
    if size == 1 or not known:
        return leaves[known[0]] if known else next(proof)
    middle = first + half(size)
    left = tree_root(first, half(size), [n for n in known if n < middle], leaves, proof)
    return sha(b"\1", left, tree_root(middle, size - half(size), [n for n in known if n >= middle], leaves, proof))

def extended(old_size, size, old, proof):
    """The roots of the first entries and of all, by a consistency proof of RFC 6962."""
    if old_size == size:
        return [old or next(proof)] * 2
    if old_size > half(size):
        (before, now), whole = extended(old_size - half(size), size - half(size), None, proof), next(proof)
        return sha(b"\1", whole, before), sha(b"\1", whole, now)
    before, now = extended(old_size, half(size), old, proof)
    return before, sha(b"\1", now, next(proof))

def map_root(tag, value, bits, given):
    """The root of a seal's map by the path to a tag, with its value or without a leaf."""
    bits, given = "" if bits == "-" else bits, iter(given)
    siblings = [next(given) if bit == "1" else bytes(32) for bit in bits]
    need(re.fullmatch("[01]{0,256}", bits) and bits.count("0") == siblings.count(bytes(32)), "a path in another form")
    side, other = format(int.from_bytes(tag, "big"), "0256b"), list(given)
    alike = not other or format(int.from_bytes(other[0], "big"), "0256b")[:len(bits)] == side[:len(bits)]
    need(alike and (not other or len(other) == 2 and not value and other[0] != tag), "a path that leads nowhere")
    node = sha(b"\2", tag, value) if value else sha(b"\2", *other) if other else bytes(32)
    for at, sibling in reversed(list(enumerate(siblings))):
        node = sha(b"\3", sibling, node) if side[at] == "1" else sha(b"\3", node, sibling)
    return node

def verify(text, given):
    page, _, proof = text.partition("\nProof\n\n")
    body, _, end = proof.rpartition("\nend ")
    need(end == sha(text[:len(text) - len(end) - 4].encode()).hex() + "\n", "the file was changed after it was made, or is none")
    proof, _, head = body.partition("\ncheckpoint\n")
    need(re.fullmatch(PROOF, proof + "\n"), "the proof has not the form of version 1")
    rows = [line.split(" ") for line in proof.split("\n")]
    key, head = unb64(rows[0][1]), Note(head + "\n")
    origin, size, root = head.checkpoint()
    mac = lambda what, *parts: hmac.new(key, b"".join((b"mailping/1/", what) + parts), "sha256").digest()
    trusted, rotations, leaves, seals, statements, stamps = given.key, {}, {}, [], [], ""
    for entry in [Note(unb64(row[1]).decode()) for row in rows if row[0] == "rotation"]:
        n, following = re.fullmatch("mailping seal 1\n([0-9]+)\n.*\nnext ([^\n]+)\n", entry.text, re.S).groups()
        need(int(n) > max(rotations, default=-1), "rotations in another order")
        rotations[int(n)], leaves[int(n)] = entry, sha(b"\0", entry.whole)
        trusted = following if entry.signed_by(trusted, 1) else trusted
    need(trusted.split("+")[0] == origin and head.signed_by(trusted, 1), "the checkpoint is not signed by the log's key")
    need(all(head.signed_by(witness, 4) for witness in given.witness), "a witness has not signed the checkpoint")
    listed = iter(re.findall("^sealed by [^ ]+: (.*)$", page.partition("\nWhat was stamped")[0], re.M))
    for _, n, start, until, count, bits, path in [row for row in rows if row[0] == "seal"]:
        mine, at = [next(listed) for _ in range(int(count))], int(n).to_bytes(8, "big")
        need(str(int(count)) == count and not re.search(HIDDEN, "".join(mine)), "a statement in another form")
        bound = [mac(b"statement", at, i.to_bytes(4, "big"), line.encode()) for i, line in enumerate(mine)]
        value = sha(b"mailping/1/leaf", len(mine).to_bytes(4, "big"), *bound) if mine else None
        map_hash = base64.b64encode(map_root(mac(b"tag", at), value, bits, hashes(path))).decode()
        entry = "mailping seal 1\n%s\n%s\n%s\n%s\n" % (n, start, until, map_hash)
        need(int(n) not in rotations or rotations[int(n)].text.startswith(entry + "next "), "a rotation is not its seal")
        leaves.setdefault(int(n), sha(b"\0", entry.encode()))
        start, ends = when(start)[0], when(until)[0]
        follows = not seals or (start == seals[-1][2] if int(n) == seals[-1][0] + 1 else start >= seals[-1][2])
        need(follows and start < ends, "the period of seal %s does not follow" % n)
        seals.append((int(n), start, ends, until))
        statements += [(ends, until, line) for line in mine]
