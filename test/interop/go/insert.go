package main

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

type insertRequest struct {
	envelope
	target
	Jobs []job `json:"jobs"`
	// Many inserts them all by one InsertMany, else each by an Insert.
	Many bool `json:"many"`
	// Tx inserts in the transaction that begin opened under this name.
	Tx string `json:"tx"`
}

type insertTypedRequest struct {
	envelope
	target
	// Type names one of the types of typed.go.
	Type        string   `json:"type"`
	Kind        string   `json:"kind"`
	EncodedArgs string   `json:"encodedArgs"`
	Opts        *jobOpts `json:"opts"`
	Tx          string   `json:"tx"`
}

type insertResult struct {
	Results []inserted `json:"results"`
}

// insert puts jobs in by the real client.
func insert(ctx context.Context, s *session, request insertRequest) (any, error) {
	items, err := insertManyParams(request.Jobs)
	if err != nil {
		return nil, err
	}

	to, err := s.inserter(ctx, request.envelope, request.target, request.Tx)
	if err != nil {
		return nil, err
	}
	return reported(to.insertAll(ctx, items, request.Many))
}

// insertTyped puts in one job whose args are of a hand-written Go type.
func insertTyped(ctx context.Context, s *session, request insertTypedRequest) (any, error) {
	args, err := typed(request.Type, request.Kind, request.EncodedArgs)
	if err != nil {
		return nil, err
	}

	to, err := s.inserter(ctx, request.envelope, request.target, request.Tx)
	if err != nil {
		return nil, err
	}
	items := []river.InsertManyParams{{Args: args, InsertOpts: request.Opts.river()}}
	return reported(to.insertAll(ctx, items, false))
}

// insertManyParams makes River's params of the jobs of a request.
func insertManyParams(jobs []job) ([]river.InsertManyParams, error) {
	items := make([]river.InsertManyParams, len(jobs))
	for i, job := range jobs {
		args, err := job.args()
		if err != nil {
			return nil, err
		}
		items[i] = river.InsertManyParams{Args: args, InsertOpts: job.Opts.river()}
	}
	return items, nil
}

func reported(results []*rivertype.JobInsertResult, err error) (any, error) {
	if err != nil {
		return nil, err
	}

	reports := make([]inserted, len(results))
	for i, result := range results {
		reports[i] = insertedFrom(result)
	}
	return insertResult{reports}, nil
}

// inserter is a client, and the transaction it inserts in, if any.
type inserter struct {
	client *riverClient
	tx     pgx.Tx
}

func (s *session) inserter(ctx context.Context, request envelope, to target, txName string) (inserter, error) {
	client, err := s.client(ctx, request, to)
	if err != nil {
		return inserter{}, err
	}
	if txName == "" {
		return inserter{client: client}, nil
	}

	tx, err := s.transaction(txName)
	return inserter{client, tx}, err
}

// insertAll inserts the items at once, or one by one up to the first failure.
func (i inserter) insertAll(ctx context.Context, items []river.InsertManyParams, many bool) ([]*rivertype.JobInsertResult, error) {
	if many {
		if i.tx != nil {
			return i.client.InsertManyTx(ctx, i.tx, items)
		}
		return i.client.InsertMany(ctx, items)
	}

	results := make([]*rivertype.JobInsertResult, 0, len(items))
	for _, item := range items {
		result, err := i.insertOne(ctx, item)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

func (i inserter) insertOne(ctx context.Context, item river.InsertManyParams) (*rivertype.JobInsertResult, error) {
	if i.tx != nil {
		return i.client.InsertTx(ctx, i.tx, item.Args, item.InsertOpts)
	}
	return i.client.Insert(ctx, item.Args, item.InsertOpts)
}
