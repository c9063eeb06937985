DROP TABLE webhook_calls;
DROP TABLE payme_transactions;
DROP TABLE transactions;
DROP TABLE payment_methods;
