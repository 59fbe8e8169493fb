package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// session is what lives from one request to the next.
type session struct {
	mu           sync.Mutex
	databaseURL  string
	poolSize     int32
	pools        map[string]*pgxpool.Pool
	clients      map[clientKey]*riverClient
	transactions map[string]pgx.Tx
	workers      map[string]*worker
	lastWorker   int
}

func newSession() *session {
	return &session{
		poolSize:     16,
		pools:        map[string]*pgxpool.Pool{},
		clients:      map[clientKey]*riverClient{},
		transactions: map[string]pgx.Tx{},
		workers:      map[string]*worker{},
	}
}

type connectRequest struct {
	envelope
	// PoolSize is the most connections of each pool made from now on, 16 if not given.
	PoolSize int32 `json:"poolSize"`
}

// connect remembers the database of the requests that name none, and proves
// that it answers.
func connect(ctx context.Context, s *session, request connectRequest) (any, error) {
	s.mu.Lock()
	s.databaseURL = request.DatabaseURL
	if request.PoolSize > 0 {
		s.poolSize = request.PoolSize
	}
	s.mu.Unlock()

	pool, err := s.pool(ctx, request.envelope)
	if err != nil {
		return nil, err
	}

	return struct{}{}, pool.Ping(ctx)
}

// pool gives the one pool of the request's database.
func (s *session) pool(ctx context.Context, request envelope) (*pgxpool.Pool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	url := request.DatabaseURL
	if url == "" {
		url = s.databaseURL
	}
	if url == "" {
		return nil, errors.New("no databaseUrl: give one in the request or in connect")
	}
	if pool, made := s.pools[url]; made {
		return pool, nil
	}

	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("databaseUrl: %w", err)
	}
	config.MaxConns = s.poolSize

	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}

	s.pools[url] = pool
	return pool, nil
}

// close stops the workers, rolls back what is open and gives up the connections.
func (s *session) close() {
	ctx := context.Background()

	for _, worker := range s.workers {
		_ = worker.client.StopAndCancel(ctx)
	}
	for _, tx := range s.transactions {
		_ = tx.Rollback(ctx)
	}
	for _, pool := range s.pools {
		pool.Close()
	}
}
