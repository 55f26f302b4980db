"""
Started by the launcher: forks servers; with `preload PROGRAM LEVEL ROOM`, such as have imported what PROGRAM will need;
LEVEL `kernels`: its kernels, too. With `keep EXITS LOGS MAX_BYTES` it outlives the launcher as long as they run. Started
by systemd: with `unit`, becomes the server of a unit; with `unit-ended FILE`, writes down how that has ended.
"""

import sys


def main():
    if sys.argv[1:] == ["unit"]:
        from orrery_forker.unit import become_unit

        become_unit()
        return
    if sys.argv[1:2] == ["unit-ended"]:
        from orrery_forker.unit import write_end

        write_end(sys.argv[2])
        return
    keeper = None
    if sys.argv[1:2] == ["preload"]:
        from orrery_forker.preload import Preloaded

        program = Preloaded(sys.argv[2], with_kernels=sys.argv[3] == "kernels")
    else:
        from orrery_forker.become import Execution, close_inherited

        close_inherited(above=3)
        program = Execution()
        if sys.argv[1:2] == ["keep"]:
            from orrery_forker.keeper import Keeper

            keeper = Keeper(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    from orrery_forker.forker import Forker

    order = Forker(program, keeper).serve(program.hello())
    # From here on a server: it ends as any program of Python's, with what it has registered for its end.
    program.run(order)


main()
