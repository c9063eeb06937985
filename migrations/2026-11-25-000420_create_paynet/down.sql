DROP TABLE paynet_transactions;
