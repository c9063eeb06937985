DROP TABLE click_payments;
