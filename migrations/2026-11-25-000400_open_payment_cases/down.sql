DROP TABLE payment_cases;
