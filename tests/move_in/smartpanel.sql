-- The tables of a SmartPanel, with the columns that matter. The prefix stands for {prefix}.

CREATE TABLE `{prefix}general_options` (
    id INT PRIMARY KEY AUTO_INCREMENT,
    name TEXT,
    value LONGTEXT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}general_users` (
    id BIGINT PRIMARY KEY,
    role TEXT,
    first_name TEXT,
    last_name TEXT,
    email TEXT,
    password TEXT,
    timezone TEXT,
    balance DECIMAL(15,4) DEFAULT 0,
    custom_rate INT DEFAULT 0,
    api_key VARCHAR(191),
    spent VARCHAR(225),
    status INT DEFAULT 1,
    changed DATETIME,
    created DATETIME
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}general_users_price` (
    id INT PRIMARY KEY,
    uid INT,
    service_id INT,
    service_price DOUBLE
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}categories` (
    id INT PRIMARY KEY,
    name TEXT,
    sort INT,
    status INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}api_providers` (
    id INT PRIMARY KEY,
    name VARCHAR(200),
    url TEXT,
    `key` TEXT,
    balance DECIMAL(15,5),
    currency_code VARCHAR(20),
    status INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}services` (
    id INT PRIMARY KEY,
    cate_id INT,
    name TEXT,
    `desc` TEXT,
    price VARCHAR(50),
    original_price DECIMAL(15,4),
    min INT,
    max INT,
    add_type TEXT,
    type TEXT,
    api_service_id VARCHAR(200),
    api_provider_id INT,
    dripfeed INT,
    status INT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}orders` (
    id BIGINT PRIMARY KEY,
    type TEXT,
    service_id VARCHAR(191),
    service_type VARCHAR(50),
    api_provider_id INT,
    api_service_id VARCHAR(200),
    api_order_id INT DEFAULT 0,
    uid VARCHAR(191),
    link VARCHAR(191),
    quantity VARCHAR(191),
    comments TEXT,
    charge DECIMAL(15,4),
    formal_charge DECIMAL(15,4),
    status VARCHAR(40),
    start_counter VARCHAR(191),
    remains VARCHAR(191) DEFAULT '0',
    is_drip_feed INT DEFAULT 0,
    runs INT DEFAULT 0,
    `interval` INT DEFAULT 0,
    changed DATETIME,
    created DATETIME
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}general_transaction_logs` (
    id INT PRIMARY KEY,
    uid INT,
    type TEXT,
    transaction_id TEXT,
    amount FLOAT(10,2),
    status INT,
    created DATETIME
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}tickets` (
    id INT PRIMARY KEY,
    uid INT,
    subject TEXT,
    description TEXT,
    status VARCHAR(20),
    changed DATETIME,
    created DATETIME
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE `{prefix}ticket_messages` (
    id INT PRIMARY KEY,
    uid INT,
    ticket_id INT,
    message TEXT,
    created DATETIME
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
