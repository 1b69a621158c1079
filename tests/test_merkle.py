"""The tree over the log: its roots and proofs are those of RFC 9162, whoever else computes them."""

from random import Random

import pymerkle
import pytest
from public_vectors import vectors

from domain import merkle

# The eight leaves of Certificate Transparency's tests, and the roots of their first 0 to 8: values of
# transparency-dev/merkle, testonly/constants.go.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Tree:
    """All complete subtrees of a tree, as a store would hold them."""

    def __init__(self, leaves):
        self.edge = merkle.Edge()
        grown = self.edge.grow(map(merkle.leaf_hash, leaves))
        self.hashes = {(level, index): found for level, index, found in grown}

    def root(self, size):
        return merkle.hash_of(range(size), self.hashes)

    def hashes_of(self, proof):
        return [merkle.hash_of(leaves, self.hashes) for leaves in proof]

    def leaf(self, index):
        return self.hashes[0, index]


# RFC 9162, 2.1.1, 2.1.3.1 and 2.1.4.1, as they are written there.


def defined_root(leaves):
    if len(leaves) == 1:
        return merkle.leaf_hash(leaves[0])
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return merkle.node_hash(defined_root(leaves[:half]), defined_root(leaves[half:]))


def defined_path(index, leaves):
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*defined_path(index, leaves[:half]), defined_root(leaves[half:])]
    return [*defined_path(index - half, leaves[half:]), defined_root(leaves[:half])]


def defined_subproof(first, leaves, *, whole):
    if first == len(leaves):
        return [] if whole else [defined_root(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if first <= half:
        return [*defined_subproof(first, leaves[:half], whole=whole), defined_root(leaves[half:])]
    return [*defined_subproof(first - half, leaves[half:], whole=False), defined_root(leaves[:half])]


def random_leaves(random, most):
    return [random.randbytes(random.randrange(40)) for _ in range(random.randint(1, most))]


def as_bytes(*values):
    return [bytes.fromhex(value) for value in values]


def damaged(proof, random):
    """The same proof with a bit turned, one hash more, one less, or two hashes exchanged."""
    place = random.randrange(len(proof))
    turned = bytes([proof[place][0] ^ 1 << random.randrange(8)]) + proof[place][1:]
    yield [*proof[:place], turned, *proof[place + 1 :]]
    yield [*proof, proof[place]]
    yield proof[:-1]
    yield proof[1:]
    if proof[0] != proof[-1]:
        yield [proof[-1], *proof[1:-1], proof[0]]


@pytest.mark.parametrize("size", range(9))
def test_the_known_roots_are_found(size):
    edge = merkle.Edge()
    edge.grow(map(merkle.leaf_hash, LEAVES[:size]))
    assert edge.root().hex() == ROOTS[size]
    assert Tree(LEAVES).root(size).hex() == ROOTS[size]


def test_the_public_inclusion_proofs_are_judged_as_published():
    for index, size, leaf, proof, root, right, case in vectors("merkle").get("inclusion", []):
        (root,), (leaf,) = as_bytes(root), as_bytes(leaf)
        assert merkle.includes(root, size, leaf, index, as_bytes(*proof)) is right, case


def test_the_public_consistency_proofs_are_judged_as_published():
    for first, second, proof, first_root, second_root, right, case in vectors("merkle").get(
        "consistency", []
    ):
        roots = as_bytes(first_root, second_root)
        assert merkle.extends(roots[0], first, roots[1], second, as_bytes(*proof)) is right, case


@pytest.mark.parametrize("seed", range(20))
def test_roots_and_proofs_are_those_of_the_definitions(seed):
    random = Random(seed)
    for _ in range(20):
        leaves = random_leaves(random, 40)
        tree, size = Tree(leaves), len(leaves)
        index, first = random.randrange(size), random.randint(1, size)
        assert tree.root(size) == defined_root(leaves)
        assert tree.hashes_of(merkle.inclusion(index, size)) == defined_path(index, leaves)
        assert tree.hashes_of(merkle.consistency(first, size)) == defined_subproof(first, leaves, whole=True)


@pytest.mark.parametrize("seed", range(20))
def test_another_implementation_agrees(seed):
    """50 trees a seed, each with a proof of either kind."""
    random = Random(seed)
    for _ in range(50):
        leaves = random_leaves(random, 40)
        theirs, ours = pymerkle.InmemoryTree(algorithm="sha256"), Tree(leaves)
        for leaf in leaves:
            theirs.append_entry(leaf)
        size = random.randint(1, len(leaves))
        index, first = random.randrange(size), random.randint(1, size)
        root, first_root, leaf = ours.root(size), ours.root(first), ours.leaf(index)
        assert root == theirs.get_root(size)

        proof = theirs.prove_inclusion(index + 1, size)  # it counts from 1
        pymerkle.verify_inclusion(leaf, root, proof)
        assert merkle.includes(root, size, leaf, index, ours.hashes_of(merkle.inclusion(index, size)))
        proof = theirs.prove_consistency(first, size)
        pymerkle.verify_consistency(first_root, root, proof)
        shown = ours.hashes_of(merkle.consistency(first, size))
        assert merkle.extends(first_root, first, root, size, shown)
        with pytest.raises(pymerkle.InvalidProof):
            pymerkle.verify_consistency(merkle.EMPTY, root, proof)
        assert not merkle.extends(merkle.EMPTY, first, root, size, shown)


@pytest.mark.parametrize("seed", range(20))
def test_a_wrong_proof_shows_nothing(seed):
    random = Random(seed)
    tree = Tree([random.randbytes(8) for _ in range(70)])
    for _ in range(50):
        size = random.randint(2, 70)
        index, first = random.randrange(size), random.randint(1, size - 1)
        root, first_root = tree.root(size), tree.root(first)
        proof = tree.hashes_of(merkle.inclusion(index, size))
        for wrong in damaged(proof, random):
            assert not merkle.includes(root, size, tree.leaf(index), index, wrong)
        assert not merkle.includes(root, size, tree.leaf(index), index ^ 1, proof)
        assert not merkle.includes(root, size, tree.leaf((index + 1) % size), index, proof)
        assert not merkle.includes(tree.root(size - 1), size, tree.leaf(index), index, proof)
        proof = tree.hashes_of(merkle.consistency(first, size))
        for wrong in damaged(proof, random):
            assert not merkle.extends(first_root, first, root, size, wrong)
        assert not merkle.extends(root, first, first_root, size, proof)
        assert not merkle.extends(tree.root(first + 1), first, root, size, proof)


def test_a_proof_that_goes_on_above_the_root_shows_nothing():
    """To a root that somebody made for it."""
    tree, above = Tree(LEAVES), merkle.leaf_hash(b"above")
    root, higher = tree.root(8), merkle.node_hash(above, tree.root(8))
    proof = [*tree.hashes_of(merkle.inclusion(7, 8)), above]
    assert not merkle.includes(higher, 8, tree.leaf(7), 7, proof)
    assert not merkle.includes(merkle.node_hash(root, above), 8, tree.leaf(0), 0, [*proof[:-1], above])
    proof = [*tree.hashes_of(merkle.consistency(7, 8)), above]
    assert not merkle.extends(merkle.node_hash(above, tree.root(7)), 7, higher, 8, proof)


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_a_tree_grows_in_whatever_portions(parts):
    leaves = [bytes([number]) for number in range(100)]
    whole, edge, grown = Tree(leaves), merkle.Edge(), []
    for start in range(0, 100, parts):
        edge = merkle.Edge(edge.size, [whole.hashes[each] for each in merkle.subtrees(range(edge.size))])
        grown += edge.grow(map(merkle.leaf_hash, leaves[start : start + parts]))
        assert edge.root() == whole.root(edge.size)
    assert {(level, index): found for level, index, found in grown} == whole.hashes
    assert len(grown) == len(whole.hashes)


def test_a_proof_in_a_tree_of_a_million_takes_few_hashes():
    most = max(len(merkle.subtrees(leaves)) for leaves in merkle.inclusion(5, 1_000_000))
    assert len(merkle.inclusion(5, 1_000_000)) == 20
    assert len(merkle.consistency(999_999, 1_000_000)) == 13
    assert most <= 7  # the bits of a million


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 1), (1, 1), (8, 8)])
def test_a_leaf_that_is_not_there_has_no_proof(index, size):
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion(index, size)
    assert not merkle.includes(merkle.EMPTY, size, merkle.EMPTY, index, [])


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3), (-1, 3)])
def test_a_tree_that_never_was_is_no_beginning(first, second):
    with pytest.raises(ValueError, match="no tree"):
        merkle.consistency(first, second)


def test_an_edge_wants_as_many_hashes_as_it_has():
    with pytest.raises(ValueError, match="zip"):
        merkle.Edge(7, [merkle.EMPTY] * 2)
