package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

const (
	connections = 10
	insertOrder = "insert into bench_order (customer, total) values ($1, $2)"
)

// subject is River's Go client on a pool, one client per schema.
type subject struct {
	pool    *pgxpool.Pool
	clients map[string]*river.Client[pgx.Tx]
	// tuned says whether jobs are worked with more than the default settings.
	tuned bool
	// number of the job that was made last.
	number atomic.Int64
}

func open(ctx context.Context, url string) (*subject, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	config.MaxConns = connections

	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &subject{pool: pool, clients: map[string]*river.Client[pgx.Tx]{}}, nil
}

func (s *subject) client(schema string) (*river.Client[pgx.Tx], error) {
	if client, made := s.clients[schema]; made {
		return client, nil
	}

	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	client, err := river.NewClient(riverpgxv5.New(s.pool), &river.Config{Logger: logger, Schema: schema})
	if err != nil {
		return nil, err
	}
	s.clients[schema] = client
	return client, nil
}

// call makes one call of what was asked for. Every job has a number of its
// own, but for those that share keys.
func (s *subject) call(ctx context.Context, asked request) (func() error, error) {
	client, err := s.client(asked.Schema)
	if err != nil {
		return nil, err
	}

	switch asked.Op {
	case "insert":
		return func() error {
			_, err := client.Insert(ctx, job(s.number.Add(1)), nil)
			return err
		}, nil
	case "insertUnique":
		opts := &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}
		return func() error {
			number := s.number.Add(1)
			if asked.Keys != 0 {
				number %= int64(asked.Keys)
			}
			_, err := client.Insert(ctx, job(number), opts)
			return err
		}, nil
	case "insertMany":
		return func() error {
			_, err := client.InsertMany(ctx, s.jobs(asked.Batch))
			return err
		}, nil
	case "insertBulk":
		return func() error {
			_, err := client.InsertManyFast(ctx, s.jobs(asked.Batch))
			return err
		}, nil
	case "transaction":
		return func() error { return s.transaction(ctx, client) }, nil
	}
	return nil, fmt.Errorf("there is no operation %q", asked.Op)
}

func (s *subject) jobs(count int) []river.InsertManyParams {
	params := make([]river.InsertManyParams, count)
	for i := range params {
		params[i].Args = job(s.number.Add(1))
	}
	return params
}

func (s *subject) transaction(ctx context.Context, client *river.Client[pgx.Tx]) error {
	number := s.number.Add(1)
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, insertOrder, email(number), number%1000); err != nil {
			return err
		}
		_, err := client.InsertTx(ctx, tx, job(number), nil)
		return err
	})
}
