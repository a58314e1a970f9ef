"""Serves training input from machines of its own: one dispatcher, and any number of workers.

    python data_worker.py --port 5000                                       on one machine
    python data_worker.py --port 5001 --dispatcher 10.0.0.1:5000 \\
        --address 10.0.0.2:5001                                             on each of the others

Training then reads with `dataset.apply(tf.data.experimental.service.distribute(mode,
"grpc://10.0.0.1:5000"))`: the dispatcher says who does what, the workers run the pipeline.
With --port 0 a free port is taken; the file of --ready tells which, once the server answers.
A dispatcher with a --journal writes down what it decides. Started again with the same port and
journal, it knows who was reading what; one without forgets, and everybody's epoch ends.

See: the chapter beyond/scaling_out.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=0, help="to listen on; 0: any that is free")
    parser.add_argument("--dispatcher", help="its host:port; without it, this is the dispatcher")
    parser.add_argument("--address", help="host:port under which others reach this worker")
    parser.add_argument("--journal", type=Path, help="folder from which a dispatcher can restart")
    parser.add_argument("--ready", type=Path, help="file for this server's host:port")
    parser.add_argument("--stop-with-parent", action="store_true", help="when stdin closes")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Starts the server, and serves until it is stopped."""
    options = parse(arguments)
    if options.dispatcher and not options.dispatcher.rpartition(":")[2].isdigit():
        sys.exit(f"ValueError: --dispatcher must be host:port, got {options.dispatcher!r}")
    import tensorflow as tf

    service = tf.data.experimental.service
    if options.dispatcher:
        server = service.WorkerServer(
            service.WorkerConfig(
                dispatcher_address=options.dispatcher,
                worker_address=options.address or "localhost:%port%",
                port=options.port,
                heartbeat_interval_ms=1000,
            )
        )
        address = server._address  # it has no public name
    else:
        server = service.DispatchServer(
            service.DispatcherConfig(
                port=options.port,
                work_dir=str(options.journal) if options.journal else None,
                fault_tolerant_mode=bool(options.journal),
                worker_timeout_ms=3000,
                job_gc_check_interval_ms=1000,
            )
        )
        address = server.target.partition("://")[2]
    if options.ready:
        unfinished = options.ready.with_suffix(".unfinished")
        unfinished.write_text(address)
        unfinished.replace(options.ready)
    if options.stop_with_parent:
        sys.stdin.buffer.read()
    else:
        server.join()


if __name__ == "__main__":
    main()
