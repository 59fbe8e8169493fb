package main

import (
	"log/slog"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// newClient makes the client that works the queues default, which Nest works
// as well, and slow. It knows every kind: a leader discards lost jobs of kinds
// that it has no worker for.
func newClient(pool *pgxpool.Pool, schema string) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(workSort))
	river.AddWorker(workers, river.WorkFunc(workSendReceipt))
	river.AddWorker(workers, river.WorkFunc(workReserveStock))
	river.AddWorker(workers, river.WorkFunc(workDailyReport))

	return river.NewClient(riverpgxv5.New(pool), &river.Config{
		Logger: slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: 10},
			"slow":             {MaxWorkers: 2},
		},
		Schema:  schema,
		Workers: workers,
	})
}
