package main

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// queueRequest does something to one queue.
type queueRequest struct {
	envelope
	target
	// Tx does it in the transaction that begin opened under this name.
	Tx string `json:"tx"`
	// Action is get, pause, resume or update.
	Action string `json:"action"`
	Name   string `json:"name"`
	// Metadata is what update sets, as JSON text; empty for none.
	Metadata string `json:"metadata"`
}

type queueListRequest struct {
	envelope
	target
	First int `json:"first"`
}

// queueRow is a row of river_queue as River reports it.
type queueRow struct {
	Name      string  `json:"name"`
	CreatedAt moment  `json:"createdAt"`
	Metadata  string  `json:"metadata"`
	PausedAt  *moment `json:"pausedAt"`
	UpdatedAt moment  `json:"updatedAt"`
}

type queuesResult struct {
	Queues []queueRow `json:"queues"`
}

// administerQueue does one thing to one queue, and tells the queue where River does.
func administerQueue(ctx context.Context, s *session, request queueRequest) (any, error) {
	to, err := s.inserter(ctx, request.envelope, request.target, request.Tx)
	if err != nil {
		return nil, err
	}

	queue, err := to.administerQueue(ctx, request)
	if err != nil {
		return nil, err
	}
	if queue == nil {
		return queuesResult{[]queueRow{}}, nil
	}
	return queuesResult{[]queueRow{queueRowFrom(queue)}}, nil
}

func (i inserter) administerQueue(ctx context.Context, request queueRequest) (*rivertype.Queue, error) {
	client, name := i.client, request.Name
	switch request.Action {
	case "get":
		return either(ctx, i, name, client.QueueGet, client.QueueGetTx)
	case "pause":
		if i.tx != nil {
			return nil, client.QueuePauseTx(ctx, i.tx, name, nil)
		}
		return nil, client.QueuePause(ctx, name, nil)
	case "resume":
		if i.tx != nil {
			return nil, client.QueueResumeTx(ctx, i.tx, name, nil)
		}
		return nil, client.QueueResume(ctx, name, nil)
	case "update":
		params := &river.QueueUpdateParams{}
		if request.Metadata != "" {
			params.Metadata = []byte(request.Metadata)
		}
		if i.tx != nil {
			return client.QueueUpdateTx(ctx, i.tx, name, params)
		}
		return client.QueueUpdate(ctx, name, params)
	}
	return nil, fmt.Errorf("unknown action %q", request.Action)
}

func queueList(ctx context.Context, s *session, request queueListRequest) (any, error) {
	client, err := s.client(ctx, request.envelope, request.target)
	if err != nil {
		return nil, err
	}

	params := river.NewQueueListParams()
	if request.First != 0 {
		params = params.First(request.First)
	}
	listed, err := client.QueueList(ctx, params)
	if err != nil {
		return nil, err
	}

	rows := make([]queueRow, len(listed.Queues))
	for i, queue := range listed.Queues {
		rows[i] = queueRowFrom(queue)
	}
	return queuesResult{rows}, nil
}

func queueRowFrom(queue *rivertype.Queue) queueRow {
	return queueRow{
		Name:      queue.Name,
		CreatedAt: moment(queue.CreatedAt),
		Metadata:  string(queue.Metadata),
		PausedAt:  momentOf(queue.PausedAt),
		UpdatedAt: moment(queue.UpdatedAt),
	}
}
