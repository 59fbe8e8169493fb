package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/riverqueue/river"
)

// orderID is an order's id, sent as a JSON number or as a string.
type orderID string

func (id *orderID) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(text, []byte(`"`)) {
		return json.Unmarshal(text, (*string)(id))
	}

	var number json.Number
	if err := json.Unmarshal(text, &number); err != nil {
		return err
	}
	*id = orderID(number)
	return nil
}

// sendReceiptArgs ask for the receipt of an order to be mailed.
type sendReceiptArgs struct {
	OrderID orderID `json:"orderId"`
	Email   string  `json:"email"`
}

func (sendReceiptArgs) Kind() string { return "send_receipt" }

type sendReceiptOutput struct {
	SentTo string `json:"sentTo"`
}

// workSendReceipt mails nothing: this is a sample.
func workSendReceipt(ctx context.Context, job *river.Job[sendReceiptArgs]) error {
	summary := fmt.Sprintf("order %s to %s", job.Args.OrderID, job.Args.Email)
	return report(ctx, job.JobRow, sendReceiptOutput{job.Args.Email}, summary)
}

// reserveStockArgs ask for goods of an order to be put aside.
type reserveStockArgs struct {
	OrderID  orderID     `json:"orderId"`
	SKU      string      `json:"sku"`
	Quantity json.Number `json:"quantity"`
}

func (reserveStockArgs) Kind() string { return "reserve_stock" }

type reserveStockOutput struct {
	SKU      string      `json:"sku"`
	Reserved json.Number `json:"reserved"`
}

func workReserveStock(ctx context.Context, job *river.Job[reserveStockArgs]) error {
	summary := fmt.Sprintf("order %s, %s x %s", job.Args.OrderID, job.Args.Quantity, job.Args.SKU)
	return report(ctx, job.JobRow, reserveStockOutput{job.Args.SKU, job.Args.Quantity}, summary)
}
