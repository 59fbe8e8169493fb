package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

type beginRequest struct {
	envelope
	// Tx is the name that later requests use for the transaction.
	Tx string `json:"tx"`
}

type endRequest struct {
	envelope
	Tx string `json:"tx"`
	// Commit keeps what was done; without it, all is rolled back.
	Commit bool `json:"commit"`
}

// begin opens a transaction and keeps it under a name.
func begin(ctx context.Context, s *session, request beginRequest) (any, error) {
	pool, err := s.pool(ctx, request.envelope)
	if err != nil {
		return nil, err
	}

	tx, err := pool.Begin(ctx)
	if err != nil {
		return nil, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.transactions[request.Tx]; taken {
		_ = tx.Rollback(ctx)
		return nil, fmt.Errorf("transaction %q is open already", request.Tx)
	}

	s.transactions[request.Tx] = tx
	return struct{}{}, nil
}

// end commits or rolls back.
func end(ctx context.Context, s *session, request endRequest) (any, error) {
	tx, err := s.transaction(request.Tx)
	if err != nil {
		return nil, err
	}

	s.mu.Lock()
	delete(s.transactions, request.Tx)
	s.mu.Unlock()

	if request.Commit {
		return struct{}{}, tx.Commit(ctx)
	}
	return struct{}{}, tx.Rollback(ctx)
}

func (s *session) transaction(name string) (pgx.Tx, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	tx, open := s.transactions[name]
	if !open {
		return nil, fmt.Errorf("no transaction %q is open", name)
	}
	return tx, nil
}
