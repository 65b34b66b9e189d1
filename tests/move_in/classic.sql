-- The tables of a panel of the classic family, with the columns that matter. The prefix stands for {prefix}.

CREATE TABLE `{prefix}settings` (
    id INT PRIMARY KEY,
    site_currency VARCHAR(10)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}clients` (
    client_id INT PRIMARY KEY,
    name VARCHAR(225),
    email VARCHAR(225),
    username VARCHAR(225),
    password TEXT,
    balance DOUBLE,
    debit_limit DOUBLE,
    apikey TEXT,
    client_type ENUM('1','2'),
    lang VARCHAR(20),
    discount_percentage VARCHAR(10),
    register_date DATETIME
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

CREATE TABLE `{prefix}clients_price` (
    id INT PRIMARY KEY,
    client_id INT,
    service_id INT,
    service_price DOUBLE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}categories` (
    category_id INT PRIMARY KEY,
    category_name TEXT,
    category_line DOUBLE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}service_api` (
    id INT PRIMARY KEY,
    api_name VARCHAR(225),
    api_url TEXT,
    api_key VARCHAR(225),
    currency VARCHAR(5),
    status ENUM('1','2')
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}services` (
    service_id INT PRIMARY KEY,
    service_api INT,
    api_service INT,
    api_detail TEXT,
    category_id INT,
    service_line DOUBLE,
    service_type ENUM('1','2'),
    service_package VARCHAR(3),
    service_name TEXT,
    service_description TEXT,
    service_price VARCHAR(225),
    service_min DOUBLE,
    service_max DOUBLE,
    service_dripfeed ENUM('1','2'),
    service_secret ENUM('1','2'),
    service_deleted ENUM('0','1')
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}orders` (
    order_id INT PRIMARY KEY,
    client_id INT,
    service_id INT,
    api_orderid INT DEFAULT 0,
    order_api INT,
    api_serviceid INT,
    api_charge DOUBLE,
    order_quantity DOUBLE,
    order_charge DOUBLE,
    order_url TEXT,
    order_start DOUBLE,
    order_remains DOUBLE,
    order_create DATETIME,
    order_status VARCHAR(40),
    dripfeed_runs DOUBLE,
    last_check DATETIME,
    order_extras TEXT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}payments` (
    payment_id INT PRIMARY KEY,
    client_id INT,
    payment_amount DOUBLE,
    payment_method VARCHAR(40),
    payment_status ENUM('1','2','3'),
    payment_create_date DATETIME
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}tickets` (
    ticket_id INT PRIMARY KEY,
    client_id INT,
    subject VARCHAR(225),
    time DATETIME,
    lastupdate_time DATETIME,
    status ENUM('pending','answered','closed')
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}ticket_reply` (
    id INT PRIMARY KEY,
    ticket_id INT,
    time DATETIME,
    support ENUM('1','2'),
    message TEXT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
