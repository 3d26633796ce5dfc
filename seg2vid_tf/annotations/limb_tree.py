"""LimbTree: a skeleton as rigid bones that hang on each other. Python alone.

Limbs that lie on a closed ring of joints hold each other, as hips, sides and shoulders do: together they are one bone,
the trunk. Every other limb is a bone of its own. The bone of most limbs is the root; each other one hangs on the bone
through which the root is reached, by the joint that both have. A limb that no joint connects with the root (ears beside
a nose) is no bone: it goes along with what is near it.
"""

import dataclasses
from collections.abc import Iterable


@dataclasses.dataclass(frozen=True)
class LimbTree:
    """Rigid bones, parents first.

    Attributes:
      limbs: class ids, in their order; everything below counts limbs by their place here.
      neighbours: for each limb and each of its two ends, the limbs that have a joint of that end.
      bones: the limbs of each bone; bone 0 is the root.
      parents: the bone that each bone hangs on, a smaller number; -1 for the root.
      pivots: (limb, end) pairs of each bone whose middle it turns about: of the root the ends of its first limb, of
        every other bone its ends at the joint that it hangs on.
    """

    limbs: tuple[int, ...]
    neighbours: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    bones: tuple[tuple[int, ...], ...]
    parents: tuple[int, ...]
    pivots: tuple[tuple[tuple[int, int], ...], ...]


def limb_tree(limbs: Iterable[tuple[int, tuple[tuple[str, ...], tuple[str, ...]]]]) -> LimbTree:
    """The bones of a skeleton whose limbs are (class id, their two ends): the items of ``Skeleton.limbs``."""
    limbs, ends = zip(*sorted(limbs), strict=True)
    ends = [tuple(frozenset(end) for end in limb) for limb in ends]
    # An end in the middle of several joints is a place of its own, beside each of them.
    middles = {(end, frozenset([joint])) for limb in ends for end in limb if len(end) > 1 for joint in end}
    edges = [*ends, *middles]
    rings = [k for k, edge in enumerate(edges) if edge[1] in _reached(edge[0], edges[:k] + edges[k + 1 :])]
    groups = _groups([edges[k] for k in rings])
    bones = [tuple(k for k in rings if k < len(ends) and edges[k][0] in group) for group in groups]
    bones = [bone for bone in bones if bone] + [(k,) for k in range(len(ends)) if k not in rings]
    bones.sort(key=lambda bone: (-len(bone), bone))
    order, parents, pivots = _from_the_root(bones, ends, [*map(frozenset, middles)])
    return LimbTree(
        limbs=limbs,
        neighbours=tuple(
            tuple(tuple(k for k, other in enumerate(ends) if k != i and any(end & o for o in other)) for end in limb)
            for i, limb in enumerate(ends)
        ),
        bones=tuple(bones[k] for k in order),
        parents=parents,
        pivots=pivots,
    )


def _reached(start, edges) -> set:
    """The places that edges connect with a place."""
    reached, grown = {start}, True
    while grown:
        more = {place for edge in edges if not reached.isdisjoint(edge) for place in edge}
        grown, reached = not more <= reached, reached | more
    return reached


def _groups(edges) -> list[set]:
    """The places of each connected set of edges."""
    groups = []
    for edge in edges:
        if not any(edge[0] in group for group in groups):
            groups.append(_reached(edge[0], edges))
    return groups


def _from_the_root(bones, ends, middles):
    """Bones as they are reached: their numbers, their parents and their pivots; those that are not reached are none."""
    order, parents = [0], [-1]
    pivots = [tuple((bones[0][0], end) for end in (0, 1))]
    for place, number in enumerate(order):  # which grows
        places = _with_middles({end for limb in bones[number] for end in ends[limb]}, middles)
        for other, bone in enumerate(bones):
            shared = tuple((limb, end) for limb in bone for end in (0, 1) if ends[limb][end] in places)
            if other not in order and shared:
                order.append(other)
                parents.append(place)
                pivots.append(shared)
    return order, tuple(parents), tuple(pivots)


def _with_middles(places, middles):
    """Places of a bone, and the middles between joints that it has."""
    return places | {place for edge in middles for place in edge if not places.isdisjoint(edge)}
