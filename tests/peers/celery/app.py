"""A task that does nothing, for the bench: `app.py N` sends it N times, `celery -A app worker` runs it.

Late acknowledgements, so that a killed worker loses nothing; no results, because nobody reads them.
"""

import os
import sys

from celery import Celery

app = Celery("app", broker=os.environ["BROKER_URL"])
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    task_ignore_result=True,
    task_reject_on_worker_lost=True,
    worker_send_task_events=False,
)


@app.task(name="noop")
def noop(number):
    return None


if __name__ == "__main__":
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(int(sys.argv[1])):
            noop.apply_async((number,), producer=producer)
