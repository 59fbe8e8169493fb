package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

const (
	fillBatch = 10_000
	// Milliseconds from the end of a job that was inserted alone to the next insert.
	leastPause, randomPause = 10, 20

	unfinished = `select exists (select from public.river_job where state in ('available', 'running'))`
)

// worker calls each for each job, in a transaction with a business row if
// there is a pool.
type worker struct {
	river.WorkerDefaults[bench]
	each func()
	pool *pgxpool.Pool
}

func (w *worker) Work(ctx context.Context, job *river.Job[bench]) error {
	defer w.each()
	if w.pool == nil {
		return nil
	}
	return pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error {
		number := job.Args.OrderID
		if _, err := tx.Exec(ctx, insertOrder, email(number), number%1000); err != nil {
			return err
		}
		_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
}

// start starts a client that works the default queue: as River's defaults
// are, or tuned for throughput and latency.
func (s *subject) start(ctx context.Context, each func(), transactional bool) (*river.Client[pgx.Tx], error) {
	working := &worker{each: each}
	if transactional {
		working.pool = s.pool
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, working)

	config := &river.Config{
		Logger:  slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 100}},
		Workers: workers,
	}
	if s.tuned {
		config.Queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: 2_000}
		config.FetchCooldown = 2 * time.Millisecond
	}
	client, err := river.NewClient(riverpgxv5.New(s.pool), config)
	if err != nil {
		return nil, err
	}
	return client, client.Start(ctx)
}

func (s *subject) fill(ctx context.Context, count int) error {
	client, err := s.client("")
	if err != nil {
		return err
	}
	for jobs := range slices.Chunk(s.jobs(count), fillBatch) {
		if _, err := client.InsertManyFast(ctx, jobs); err != nil {
			return err
		}
	}
	return nil
}

// drain works the jobs that are there, or as many as it can in the time given.
func (s *subject) drain(ctx context.Context, asked request, transactional bool) (figures, error) {
	var worked atomic.Int64
	all := make(chan struct{})
	began := time.Now()
	client, err := s.start(ctx, func() {
		if worked.Add(1) == int64(asked.Batch) {
			close(all)
		}
	}, transactional)
	if err != nil {
		return figures{}, err
	}

	var limit <-chan time.Time
	if asked.Seconds > 0 {
		limit = time.After(time.Duration(asked.Seconds * float64(time.Second)))
	}
	select {
	case <-all:
	case <-limit:
	}
	jobs := min(int(worked.Load()), asked.Batch)
	// A job is finished when that is stored.
	for rest := jobs == asked.Batch; rest; {
		if err := s.pool.QueryRow(ctx, unfinished).Scan(&rest); err != nil {
			return figures{}, err
		}
		time.Sleep(2 * time.Millisecond)
	}
	elapsed := milliseconds(time.Since(began))
	return figures{Latencies: []float64{}, ElapsedMs: elapsed, Jobs: jobs}, client.Stop(ctx)
}

func (s *subject) insertToStart(ctx context.Context, asked request) (figures, error) {
	started := make(chan time.Time, 1)
	// The client that works inserts, too: the limit of notifications is that of its cooldown.
	client, err := s.start(ctx, func() { started <- time.Now() }, false)
	if err != nil {
		return figures{}, err
	}
	time.Sleep(1_500 * time.Millisecond)

	result := figures{Latencies: []float64{}, Jobs: int(asked.Limit)}
	began := time.Now()
	for done := range asked.Limit {
		time.Sleep(time.Duration(leastPause+randomPause*float64(done%10)/10) * time.Millisecond)
		inserted := time.Now()
		if _, err := client.Insert(ctx, job(s.number.Add(1)), nil); err != nil {
			return result, errors.Join(err, client.Stop(ctx))
		}
		result.Latencies = append(result.Latencies, milliseconds((<-started).Sub(inserted)))
	}
	result.ElapsedMs = milliseconds(time.Since(began))
	return result, client.Stop(ctx)
}
