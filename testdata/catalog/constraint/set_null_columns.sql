-- since: 15
CREATE TABLE one (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE many (a int, b int, FOREIGN KEY (a, b) REFERENCES one ON DELETE SET NULL (b));
CREATE TABLE more (a int, b int, FOREIGN KEY (a, b) REFERENCES one ON DELETE SET DEFAULT (a));
