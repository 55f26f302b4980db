"""
Started by the launcher: forks servers; with `preload PROGRAM LEVEL ROOM`, such as have imported what PROGRAM will need;
LEVEL `kernels`: its kernels, too. With `keep EXITS LOGS MAX_BYTES` it outlives the launcher as long as they run; with
`once EXITS LOGS MAX_BYTES FOLDER SEED PROGRAM LEVEL ROOM` it does both, if it is known what to import; with `await
SECONDS ...` it finds that out, waits for one start, and then does both. With `scout PROGRAM ROOM` it tells what to
import. Started by systemd: with `unit`, becomes the server of a unit; with `unit-ended FILE`, writes down how that has
ended. Started by itself: `kept EXITS LOGS MAX_BYTES PID-TICKS...` goes on waiting for servers, without what was imported.
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
    if sys.argv[1:2] == ["scout"]:
        from orrery_forker.known import tell

        tell(sys.argv[2])
        return
    if sys.argv[1:2] == ["kept"]:
        from orrery_forker.keeper import Keeper

        Keeper(*sys.argv[2:5]).go_on(sys.argv[5:])
        return
    keeper = None
    if sys.argv[1:2] == ["once"]:
        program, keeper = preload_for_one(sys.argv[2:], only_known=True)
    elif sys.argv[1:2] == ["await"]:
        from orrery_forker.awaited import Awaited

        awaited = Awaited(folder=sys.argv[6], seconds=float(sys.argv[2]))
        program, keeper = preload_for_one(sys.argv[3:], when_known=awaited.open)
        awaited.become_forker(program.is_current)
    elif sys.argv[1:2] == ["preload"]:
        from orrery_forker.preload import Preloaded

        program = Preloaded(sys.argv[2], with_kernels=sys.argv[3] == "kernels")
    else:
        from orrery_forker.become import Execution, close_inherited

        close_inherited(above=3)
        program = Execution()
        if sys.argv[1:2] == ["keep"]:
            from orrery_forker.keeper import Keeper

            keeper = Keeper(*sys.argv[2:5])
    from orrery_forker.forker import Forker

    order = Forker(program, keeper).serve(program.hello())
    # From here on a server: it ends as any program of Python's, with what it has registered for its end.
    program.run(order)


def preload_for_one(words, only_known=False, when_known=lambda: None):
    from orrery_forker.keeper import Keeper
    from orrery_forker.known import Known
    from orrery_forker.preload import Preloaded

    exits, logs, max_log_bytes, folder, seed, program, level = words[:7]
    known = Known(program, f"{folder}/modules.json", seed, only_known)
    return Preloaded(program, level == "kernels", known, when_known), Keeper(exits, logs, max_log_bytes, anew=True)


main()
