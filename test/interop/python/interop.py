"""Does with River's real Python client what an agreement test asks for.

Reads one JSON request per line on stdin and writes one JSON response per line
on stdout, as the Go program beside it does. One request at a time; ends when
stdin does.
"""

import json
import sys
from dataclasses import dataclass
from datetime import datetime, timezone

import sqlalchemy
from riverqueue import Client, InsertManyParams, InsertOpts, UniqueOpts
from riverqueue.driver import riversqlalchemy


@dataclass
class RawArgs:
    """Args of any kind whose JSON text is already there."""

    kind: str
    encoded: str

    def to_json(self) -> str:
        return self.encoded


def args_of(job):
    return RawArgs(kind=job["kind"], encoded=job["encodedArgs"])


def opts_of(job):
    opts = job.get("opts", {})
    scheduled_at = opts.get("scheduledAtUnixMs")
    return InsertOpts(
        max_attempts=opts.get("maxAttempts"),
        priority=opts.get("priority"),
        queue=opts.get("queue"),
        scheduled_at=None if scheduled_at is None else from_unix_ms(scheduled_at),
        tags=opts.get("tags"),
        unique_opts=unique_opts_of(opts.get("uniqueOpts")),
    )


def unique_opts_of(given):
    if given is None:
        return None
    return UniqueOpts(
        by_args=given.get("byArgs"),
        by_period=given.get("byPeriod"),
        by_queue=given.get("byQueue"),
        by_state=given.get("byState"),
    )


def from_unix_ms(unix_ms):
    seconds, ms = divmod(unix_ms, 1000)
    return datetime.fromtimestamp(seconds, tz=timezone.utc).replace(microsecond=ms * 1000)


class Session:
    """What lives from one request to the next."""

    def __init__(self):
        self.engine = None

    def connect(self, request):
        """Inserts go to the schema from now on."""
        url = sqlalchemy.make_url(request["databaseUrl"].replace("postgres://", "postgresql://"))
        self.engine = sqlalchemy.create_engine(
            url.set(drivername="postgresql+psycopg2"),
            connect_args={"options": f"-c search_path={request['schema']}"},
        )
        with self.engine.connect() as connection:
            connection.execute(sqlalchemy.text("select 1"))
        return {}

    def client(self):
        return Client(riversqlalchemy.Driver(self.engine))

    def insert(self, request):
        job = request["job"]
        result = self.client().insert(args_of(job), insert_opts=opts_of(job))
        return {"id": str(result.job.id), "skipped": result.unique_skipped_as_duplicated}

    def insert_many(self, request):
        items = [InsertManyParams(args_of(job), insert_opts=opts_of(job)) for job in request["jobs"]]
        return {"count": self.client().insert_many(items)}

    def close(self):
        if self.engine is not None:
            self.engine.dispose()


def answer(session, request):
    handlers = {
        "connect": session.connect,
        "insert": session.insert,
        "insertMany": session.insert_many,
    }
    try:
        return {"id": request["id"], "ok": True, "result": handlers[request["op"]](request)}
    except Exception as error:
        cause = getattr(error, "orig", error)
        refused = {"id": request["id"], "ok": False, "error": f"{type(cause).__name__}: {cause}"}
        state = getattr(cause, "pgcode", None)
        return refused if state is None else {**refused, "sqlState": state}


def main():
    session = Session()
    for line in sys.stdin:
        print(json.dumps(answer(session, json.loads(line))), flush=True)
    session.close()


main()
